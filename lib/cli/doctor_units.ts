import type { InstalledUnit } from "../doctor/check_units.ts";
import type { ManagerKind } from "../../systemd/unit_file.ts";
import { GatewayError } from "../errors.ts";
import type { UnitHost } from "../systemd/unit_host.ts";
import { placeOfUnits } from "../systemd/unit_place.ts";
import type { CliHost } from "./command.ts";
import { readOurUnits } from "./systemd_units.ts";

const MANAGERS: readonly ManagerKind[] = ["system", "user"];

/** The units that sollol installed for the system and for this user. @throws The signal's reason. */
export async function readInstalledUnits(
  host: UnitHost,
  context: Pick<CliHost, "env" | "stderr" | "signal">,
): Promise<readonly InstalledUnit[]> {
  const found = await Promise.all(MANAGERS.map(async (manager) => {
    try {
      const place = placeOfUnits(manager, { host });
      const reports = await readOurUnits(place, { ...context, host, warn: () => {} });
      return reports.map((report): InstalledUnit => ({ report, isOfUser: manager === "user" }));
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof GatewayError || (error instanceof Error && "code" in error)) return []; // no home, no systemd
      throw error;
    }
  }));
  return found.flat();
}
