import { formatVersion } from "../rpc/protocol.ts";
import { formatBytes, MIB } from "../units.ts";
import type { BackendVisit } from "./backend_visit.ts";
import { fail, type Finding, ok, skip, splitCure, warn } from "./finding.ts";
import type { KnownBackend } from "./known_backends.ts";

/** No layer of a model that is worth spreading fits into less, bytes. */
const USELESS_BYTES = 256 * MIB;

/** Whether an rpc backend can be used, and what for. */
export function judgeBackend(
  { view, limits }: KnownBackend,
  { probed }: BackendVisit,
  { reserveBytes }: { readonly reserveBytes: number },
): Finding {
  if (limits.isExcluded) return skip("the operator wants no model on it (exclude)");
  if (view?.holder !== undefined) return ok(`serves our coordinator ${view.holder}`, { holder: view.holder });
  if (!probed) {
    const { seen, cure } = splitCure(view?.reason ?? "it serves somebody else", "stop whoever uses it");
    return warn(seen, cure, { verdict: "held" });
  }
  const { verdict, reason, version, devices, connectMs, answerMs } = probed;
  const figures = {
    verdict,
    protocol: version && formatVersion(version),
    build: view?.build,
    worker: view?.workerName,
    devices,
    connectMs,
    answerMs,
  };
  if (verdict !== "up") {
    const { seen, cure } = splitCure(reason, "look there: is ggml-rpc-server running?");
    return verdict === "held" ? warn(seen, cure, figures) : fail(seen, cure, figures);
  }
  // what a worker tells of the memory is truer: a CPU device says that all of its RAM is free
  const memories = view && view.devices.length > 0 ? view.devices : devices;
  const freeBytes = memories.reduce((sum, device) => sum + device.freeBytes, 0);
  const spareBytes = memories.reduce((sum, device) => sum + Math.max(0, device.freeBytes - reserveBytes), 0);
  const usableBytes = Math.min(spareBytes, limits.memoryLimitBytes ?? Infinity);
  const build = view?.build === undefined ? "" : `, ${view.build}`;
  const seen = `up, protocol ${formatVersion(version!)}${build}, ${formatBytes(freeBytes)} free`;
  const usable = { ...figures, freeBytes, usableBytes };
  if (usableBytes >= USELESS_BYTES) return ok(seen, usable);
  const kept = limits.memoryLimitBytes === usableBytes
    ? `memory: ${formatBytes(usableBytes)} allows hardly any`
    : `${formatBytes(reserveBytes)} of each device stay free (rpc.reserve)`;
  return warn(
    `${seen}: too little for a layer, since ${kept}`,
    "free memory there, lower rpc.reserve, or raise its memory limit",
    usable,
  );
}
