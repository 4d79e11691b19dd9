import type { UnitFile } from "../../systemd/unit_file.ts";
import { checkedStem } from "../../systemd/unit_name.ts";

/** All that units run. */
export const ROLE_NAMES = ["rpc-server", "gateway", "worker", "coordinator"] as const;

/** What a set of units runs. */
export type Role = typeof ROLE_NAMES[number];

/** A file that only root, or the user of a user manager, may read. */
export interface SecretFile {
  /** Absolute path. */
  readonly path: string;
  /** All of it; never shown. */
  readonly text: string;
}

/** Units that belong together: they are installed and removed as one. */
export interface UnitSet {
  /** What they run. */
  readonly role: Role;
  /** What their names begin with, such as `sollol-rpc`: it may have a service, a socket and a template. */
  readonly stem: string;
  /** As they lie on disk. */
  readonly files: readonly UnitFile[];
  /** Names of those that start with the machine; instances of a template among them. */
  readonly enabled: readonly string[];
  /** Names of the services that run when all is well. */
  readonly services: readonly string[];
  /** Written beside the units. */
  readonly secrets: readonly SecretFile[];
}

/** Names that the files of a stem may have. */
export function fileNamesOf(stem: string): string[] {
  return [`${stem}.service`, `${stem}.socket`, `${stem}@.service`];
}

/** The stem of a unit's file or of an instance; `undefined` if it is neither a service nor a socket. */
export function stemOf(unit: string): string | undefined {
  return /^([\w:.\\-]+?)(?:@[^/]*)?\.(?:service|socket)$/.exec(unit)?.[1];
}

/**
 * Reads the name that an operator gives to units.
 *
 * @returns The stem: `.service` at its end is left out.
 * @throws {RangeError} If units cannot be called so.
 */
export function parseUnitStem(text: string): string {
  return checkedStem(text.replace(/\.service$/, ""));
}
