import { formatBytes, formatDuration } from "../units.ts";
import { type Finding, ok, skip, warn } from "./finding.ts";
import { isOnLoopback } from "./known_backends.ts";
import type { LinkFigures } from "./link_figures.ts";

/** A way to an rpc backend, with all that is known of it. */
export interface KnownLink {
  /** `host:port` of the backend. */
  readonly endpoint: string;
  /** What was measured now; `undefined` if it was not free. */
  readonly measured: LinkFigures | undefined;
  /** How fast weights came there in earlier loads, bytes per second; `undefined` if there was none. */
  readonly learnedBytesPerSecond: number | undefined;
}

/** More than any cable has, ms: a Wi-Fi or a VPN. */
const SLOW_MS = 5;
/** Less than a cable of 1 Gbit/s has by far: one of 100 Mbit/s, or a Wi-Fi. */
const NARROW_BYTES_PER_SECOND = 40e6;
/** Fewer than that is no fun to read. */
const FEW_TOKENS_PER_SECOND = 20;

/** How the way to one backend is. On this host it is what it is. */
export function judgeLink({ endpoint, measured, learnedBytesPerSecond }: KnownLink): Finding {
  const bytesPerSecond = speedOf({ measured, learnedBytesPerSecond });
  if (!measured && bytesPerSecond === undefined) return skip("not measured: it is not free");
  const figures = { roundTripMs: measured?.roundTripMs, bytesPerSecond };
  const seen = [
    ...(measured ? [`${formatMs(measured.roundTripMs)} there and back`] : []),
    ...(bytesPerSecond === undefined ? [] : [
      `${formatBytes(bytesPerSecond)}/s${measured?.bytesPerSecond === undefined ? " in earlier loads" : ""}`,
    ]),
  ].join(", ");
  if (isOnLoopback(endpoint)) return ok(seen, figures);
  if ((measured?.roundTripMs ?? 0) > SLOW_MS) {
    return warn(`${seen}: every token waits for that`, "connect it by cable, in the same network", figures);
  }
  if (bytesPerSecond !== undefined && bytesPerSecond < NARROW_BYTES_PER_SECOND) {
    return warn(
      `${seen}: models take long to load`,
      "look for a cable or switch of 100 Mbit/s, or a Wi-Fi, on the way (`ethtool` tells); weights that it has seen once " +
        "come from its cache if ggml-rpc-server is started with -c",
      figures,
    );
  }
  return ok(seen, figures);
}

/** What the ways together mean for a model that is spread over all of them. */
export function judgeNetwork(
  links: readonly KnownLink[],
  largest: { readonly name: string; readonly sizeBytes: number } | undefined,
): Finding {
  const away = links.filter(({ endpoint }) => !isOnLoopback(endpoint));
  if (away.length === 0) return ok("all rpc backends are on this host");
  const trips = away.flatMap(({ measured }) => measured ? [measured.roundTripMs] : []);
  if (trips.length === 0) return skip("no rpc backend on another host is free to be measured");
  const totalMs = trips.reduce((sum, ms) => sum + ms, 0);
  const maxTokensPerSecond = 1_000 / Math.max(totalMs, 1e-3);
  const hops = trips.length === 1 ? "1 rpc backend" : `${trips.length} rpc backends one after the other`;
  const seen = `each token passes ${hops}, ${formatMs(totalMs)} on the way: at most ` +
    `${formatCount(maxTokensPerSecond)} tokens/s, however fast they compute`;
  const loadMs = largest && loadTimeMs(away, largest.sizeBytes);
  const load = loadMs === undefined ? "" : `; ${largest!.name} (${formatBytes(largest!.sizeBytes)}) takes ` +
    `${formatDuration(loadMs)} to get there`;
  const figures = { backendCount: trips.length, totalMs, maxTokensPerSecond, model: largest?.name, loadMs };
  if (maxTokensPerSecond >= FEW_TOKENS_PER_SECOND) return ok(seen + load, figures);
  return warn(seen + load, "use fewer backends, or bring them into one wired network", figures);
}

/** Weights go to one backend after the other; even shares are assumed. */
function loadTimeMs(links: readonly KnownLink[], sizeBytes: number): number | undefined {
  const speeds = links.map(speedOf).filter((speed) => speed !== undefined);
  if (speeds.length === 0) return undefined;
  const share = sizeBytes / speeds.length;
  return speeds.reduce((sum, speed) => sum + share / speed * 1_000, 0);
}

function speedOf(
  { measured, learnedBytesPerSecond }: Pick<KnownLink, "measured" | "learnedBytesPerSecond">,
): number | undefined {
  return measured?.bytesPerSecond ?? learnedBytesPerSecond;
}

function formatMs(ms: number): string {
  return ms < 10 ? `${ms.toFixed(2)} ms` : formatDuration(ms);
}

function formatCount(count: number): string {
  return count >= 100 ? String(Math.round(count / 10) * 10) : count.toFixed(1);
}
