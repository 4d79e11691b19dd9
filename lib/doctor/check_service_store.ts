import { findStoreAccess } from "../systemd/store_access.ts";
import type { UnitHost } from "../systemd/unit_host.ts";
import type { InstalledUnit } from "./check_units.ts";
import { fail, type Finding, ok, splitCure, warn } from "./finding.ts";

/** What is asked of {@linkcode examineStoreOfService}. */
export interface ServiceStoreQuestion {
  /** Where models are. */
  readonly paths: readonly string[];
  /** The service of the gateway. */
  readonly gateway: InstalledUnit;
  /** Ends the looking. */
  readonly signal: AbortSignal;
}

/** Whether a gateway that runs as a service, by a user of its own, may read the models. */
export async function examineStoreOfService(
  host: UnitHost,
  { paths, gateway, signal }: ServiceStoreQuestion,
): Promise<Finding> {
  const { report: { unit, path, again }, isOfUser } = gateway;
  if (isOfUser) return ok(`${unit} is this user's, and may read what this user may`);
  const { warnings, groups, paths: bound } = await findStoreAccess(host, paths, {
    manager: "system",
    signal,
  });
  const [first] = warnings;
  if (first !== undefined) {
    const { seen, cure } = splitCure(first, "open the models to others");
    return fail(seen, cure);
  }
  const text = await host.readText(path) ?? "";
  const missing = [...bound.map(({ path }) => path), ...groups].filter((word) => !text.includes(word));
  if (missing.length === 0) return ok(`the user of ${unit} may read them`);
  return warn(
    `${unit} was installed without access to ${missing.join(" and ")}`,
    `install it again: ${again}`,
    { missing },
  );
}
