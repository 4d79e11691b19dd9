import { dirname, join } from "node:path";
import type { UnitHost } from "./unit_host.ts";
import type { UnitPlace } from "./unit_place.ts";
import type { SecretFile } from "./unit_set.ts";
import { refuseWrite } from "./write_failure.ts";

/** What is written for services: the token that a worker shows to its gateway. */
export const WORKER_TOKEN = "worker-token";

/**
 * Writes secrets where only their owner may read them, in directories that only he may enter.
 *
 * @returns Paths of those that were not there like that.
 * @throws {GatewayError} `invalid_request` if one cannot be written.
 */
export async function writeSecrets(secrets: readonly SecretFile[], host: UnitHost): Promise<string[]> {
  const written: string[] = [];
  for (const { path, text } of secrets) {
    try {
      const info = await host.readInfo(path);
      if (info && (info.mode & 0o077) === 0 && await host.readText(path) === text) continue;
      await host.makeDirectory(dirname(dirname(path)), 0o755);
      await host.makeDirectory(dirname(path), 0o700);
      await host.writeText(path, text, 0o600);
    } catch (error) {
      throw refuseWrite(error, path);
    }
    written.push(path);
  }
  return written;
}

/** Where the secret of a unit lies: `seen` from its own system, `real` from where we are. */
export function secretPath(
  { secrets, root }: UnitPlace,
  stem: string,
  name: string,
): { seen: string; real: string } {
  const real = join(secrets, "credentials", `${stem}.${name}`);
  return { seen: root === undefined ? real : real.slice(root.length), real };
}
