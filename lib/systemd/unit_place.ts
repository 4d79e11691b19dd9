import { join } from "node:path";
import type { ManagerKind } from "../../systemd/unit_file.ts";
import { GatewayError } from "../errors.ts";
import type { UnitHost } from "./unit_host.ts";

/** Which systemd is meant, and where its units lie. */
export interface UnitPlace {
  /** Whose. */
  readonly manager: ManagerKind;
  /** A directory that is the root of another system, such as an image: files are written, nothing is started. */
  readonly root: string | undefined;
  /** Where we write units. */
  readonly directory: string;
  /** Where we keep what only the services may read. */
  readonly secrets: string;
}

/**
 * Where units go.
 *
 * @throws {GatewayError} `invalid_request` if the user manager is meant and there is no home directory, or a root.
 */
export function placeOfUnits(
  manager: ManagerKind,
  { root, host }: { root?: string | undefined; host: Pick<UnitHost, "home" | "configHome"> },
): UnitPlace {
  if (manager === "system") {
    return {
      manager,
      root,
      directory: join(root ?? "/", "etc/systemd/system"),
      secrets: join(root ?? "/", "etc/sollol"),
    };
  }
  if (root !== undefined) {
    throw new GatewayError("invalid_request", "--root is for units of the system; leave out --user");
  }
  const config = host.configHome ?? (host.home === undefined ? undefined : join(host.home, ".config"));
  if (config === undefined) {
    throw new GatewayError("invalid_request", "Cannot find your units: HOME is not set; set it");
  }
  return { manager, root, directory: join(config, "systemd/user"), secrets: join(config, "sollol") };
}
