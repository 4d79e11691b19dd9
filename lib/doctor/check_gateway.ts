import { listNames } from "../name_list.ts";
import type { InstalledUnit } from "./check_units.ts";
import { describeSkew, SKEW_CURE } from "./clock_skew.ts";
import { fail, type Finding, ok, skip, splitCure, warn } from "./finding.ts";
import type { GatewayWitness, Testimony } from "./gateway_witness.ts";

const MAX_SHOWN = 3;

/** Whether the gateway that runs is sound and of this version. */
export function judgeGateway(
  testimony: Testimony,
  { url, isNamed, version, service }: Pick<GatewayWitness, "url" | "isNamed"> & {
    readonly version: string;
    readonly service: InstalledUnit | undefined;
  },
): Finding {
  if (testimony.kind !== "told") {
    const { seen, cure } = splitCure(testimony.reason, "check --gateway and --token");
    if (isNamed || (testimony.kind === "silent" && testimony.isGateway)) return fail(seen, cure, { url });
    const why = testimony.kind === "absent"
      ? `none runs at ${url}`
      : `whoever listens at ${url} is none, or hangs`;
    return skip(`${why}; all else was looked at without it`);
  }
  const { backends, nodes, workers, troubles } = testimony;
  const figures = {
    url,
    version: testimony.version,
    backendCount: backends.length,
    nodeCount: nodes.length,
    workers,
    troubles,
    clockSkewMs: testimony.skewMs,
  };
  const seen = `${url}, sollol ${testimony.version}`;
  if (testimony.version !== version) {
    return warn(
      `${seen}, but this program is ${version}`,
      service === undefined
        ? "restart it, so that it runs this one"
        : `${service.isOfUser ? "systemctl --user" : "sudo systemctl"} restart ${service.report.unit}`,
      figures,
    );
  }
  if (troubles.length > 0) {
    return warn(`${seen}: ${listNames(troubles, MAX_SHOWN)}`, "sollol status tells more", figures);
  }
  const skew = describeSkew(testimony.skewMs);
  if (skew !== undefined) return warn(`${seen}; ${skew}`, SKEW_CURE, figures);
  return ok(seen, figures);
}
