import { findStoreAccess } from "../systemd/store_access.ts";
import type { UnitHost } from "../systemd/unit_host.ts";
import type { InstalledUnit } from "./check_units.ts";
import { fail, type Finding, ok, skip, splitCure, warn } from "./finding.ts";

/** What is asked of {@linkcode examineStoreOfService}. */
export interface ServiceStoreQuestion {
  /** Where models are. */
  readonly paths: readonly string[];
  /** All that sollol installed here. */
  readonly units: readonly InstalledUnit[];
  /** Ends the looking. */
  readonly signal: AbortSignal;
}

/** Whether the gateway that runs as a service, by a user of its own, may read the models. */
export async function examineStoreOfService(
  host: UnitHost,
  { paths, units, signal }: ServiceStoreQuestion,
): Promise<Finding> {
  const gateway = units.find(({ report }) => report.unit === "sollol.service");
  if (!gateway) return skip("the gateway is not installed as a service");
  if (gateway.isOfUser) return ok("the service is this user's, and may read what this user may");
  const { warnings, groups, paths: bound } = await findStoreAccess(host, paths, {
    manager: "system",
    signal,
  });
  const [first] = warnings;
  if (first !== undefined) {
    const { seen, cure } = splitCure(first.replace(": open", "; open"), "open the models to others");
    return fail(seen, cure);
  }
  const text = await host.readText(gateway.report.path) ?? "";
  const missing = [...bound.map(({ path }) => path), ...groups].filter((word) => !text.includes(word));
  if (missing.length === 0) return ok(`the user of ${gateway.report.unit} may read them`);
  return warn(
    `${gateway.report.unit} was installed without access to ${missing.join(" and ")}`,
    "install it again: sudo sollol systemd gateway install",
    { missing },
  );
}
