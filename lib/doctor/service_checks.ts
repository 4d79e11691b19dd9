import type { Check } from "./check.ts";
import { examineSystemd } from "./check_systemd.ts";
import { examineUnit } from "./check_units.ts";
import type { DoctorWorld } from "./doctor_world.ts";
import { skip } from "./finding.ts";
import { lateChecks } from "./late_checks.ts";

const group = "service";

/** How systemd is, and what sollol installed there. */
export async function serviceChecks(
  world: Pick<DoctorWorld, "machine" | "clock" | "signal">,
  facts: { readonly units: () => ReturnType<DoctorWorld["readUnits"]> },
): Promise<readonly Check[]> {
  const { machine } = world;
  const systemd: Check = { name: "systemd", group, examine: (signal) => examineSystemd(machine, signal) };
  const units = await lateChecks({
    name: "unit",
    group,
    find: async () =>
      (await facts.units()).map((unit): Check => ({
        name: "unit",
        group,
        subject: unit.report.unit,
        examine: () => examineUnit(machine, unit),
      })),
  }, world);
  return [systemd, ...(units.length === 0 ? [NONE] : units)];
}

const NONE: Check = {
  name: "unit",
  group,
  examine: () => Promise.resolve(skip("sollol has installed none here; sollol systemd gateway install does")),
};
