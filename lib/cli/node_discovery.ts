import { mapConcurrently } from "../concurrent.ts";
import { GatewayError } from "../errors.ts";
import { HttpClient } from "../http/client.ts";
import type { NodeHealth } from "../nodes/node.ts";
import {
  longestNodeScanMs,
  type NodeScan,
  type NodeScanOptions,
  scanForNodes,
  type ScannedNode,
} from "../nodes/node_scan.ts";
import { formatDuration } from "../units.ts";
import type { CliHost, ExitCode } from "./command.ts";
import type { GatewayApi } from "./gateway_api.ts";
import { writeJson } from "./output.ts";
import { startProgress } from "./progress.ts";
import { renderTable } from "./table.ts";
import { type Paint, painter, printable } from "./terminal.ts";

/** What is to be asked, and how it is told. */
export interface NodeDiscovery {
  /** IPv4 addresses that a person named. */
  readonly addresses: readonly string[];
  /** Ports to ask at each of them. */
  readonly ports: readonly number[];
  /** For each address and port, ms. */
  readonly timeoutMs: number;
  /** Whether JSON is written instead of text. */
  readonly isJson: boolean;
}

/** What a discovery needs of the program's surroundings. */
export type NodeDiscoveryHost = Pick<CliHost, "stdout" | "stderr" | "env" | "signal">;

/** What the gateway said when it was told of a node. */
interface NodeRegistering {
  readonly url: string;
  readonly isRegistered: boolean;
  /** `undefined` if it was refused. */
  readonly health: NodeHealth | undefined;
  readonly reason: string;
}

/** Each waits for a verdict. */
const CONCURRENCY = 8;
/** Refusals of one node; anything else, such as a wrong key, would be said of each of them. */
const OWN_REFUSALS: readonly string[] = ["invalid_request", "conflict"];

/**
 * Looks for Ollama nodes, and tells the gateway of those that are up.
 *
 * @param api The gateway; `undefined` if it is not to be told.
 * @returns 0 if one is up, and the gateway can use all of them.
 * @throws The signal's reason.
 */
export async function discoverNodes(
  wish: NodeDiscovery,
  api: GatewayApi | undefined,
  host: NodeDiscoveryHost,
): Promise<ExitCode> {
  using http = new HttpClient();
  const result = await scan(wish, http, host);
  const up = result.found.filter(({ isUp }) => isUp);
  const registered = api && await registerNodes(api, up.map(({ url }) => url));
  if (wish.isJson) writeJson(host, { ...toJson(result), ...(registered && { registered }) });
  else host.stdout.write(toText(result, registered, painter(host.stdout, host.env)));
  return up.length > 0 && (registered ?? []).every(({ health }) => health === "up") ? 0 : 1;
}

async function scan(
  { addresses, ports, timeoutMs }: NodeDiscovery,
  http: HttpClient,
  { stderr, env, signal }: NodeDiscoveryHost,
): Promise<NodeScan> {
  const options: NodeScanOptions = { http, ports, timeoutMs, signal };
  if (!stderr.isTerminal) return await scanForNodes(addresses, options);
  const longest = formatDuration(longestNodeScanMs(addresses.length * ports.length, timeoutMs));
  using progress = startProgress(
    { stderr, env },
    `Asking ${addresses.length} addresses for their Ollama, about ${longest} if nobody answers`,
  );
  const found: string[] = [];
  return await scanForNodes(addresses, {
    ...options,
    onFound: ({ url, isUp }) => found.push(isUp ? url : `${url} (not usable)`),
    onProgress: (doneCount, totalCount) => {
      const finds = found.length === 0 ? "nothing found yet" : `${found.length} found, last ${found.at(-1)}`;
      progress.update(`Asked ${doneCount} of ${totalCount}: ${finds}`, { isDetail: true });
    },
  });
}

/** Those that the gateway refuses do not hinder the others. */
async function registerNodes(api: GatewayApi, urls: readonly string[]): Promise<NodeRegistering[]> {
  return await mapConcurrently(urls, CONCURRENCY, async (url) => {
    try {
      const { health, reason } = await api.addNode(url);
      return { url, isRegistered: true, health, reason };
    } catch (error) {
      if (!(error instanceof GatewayError) || !OWN_REFUSALS.includes(error.code)) throw error;
      return { url, isRegistered: false, health: undefined, reason: error.message };
    }
  });
}

function toJson({ found, askedCount, unansweredCount, elapsedMs }: NodeScan): Record<string, unknown> {
  return { found, askedCount, unansweredCount, elapsedMs: Math.round(elapsedMs) };
}

function toText(
  { found, askedCount, unansweredCount, elapsedMs }: NodeScan,
  registered: readonly NodeRegistering[] | undefined,
  paint: Paint,
): string {
  const paragraphs = [
    ...(found.length > 0 ? [renderFound(found, paint)] : []),
    `Asked ${askedCount} in ${
      formatDuration(elapsedMs)
    }; ${unansweredCount} refused the connection or did not answer.\n`,
    ...(registered?.length ? [registered.map((one) => `${printable(describe(one))}\n`).join("")] : []),
  ];
  return paragraphs.join("\n");
}

function renderFound(found: readonly ScannedNode[], paint: Paint): string {
  const table = renderTable(
    [{ title: "NODE" }, { title: "VERDICT" }, { title: "VERSION" }, { title: "MODELS", align: "right" }],
    found.map(({ url, isUp, version, modelCount }) =>
      [url, isUp ? "up" : "not usable", version ?? "-", String(modelCount ?? "-")].map(printable)
    ),
    (cell, column, row) => {
      if (row < 0) return paint("heading", cell);
      return column === 1 ? paint(found[row]!.isUp ? "good" : "bad", cell) : cell;
    },
  );
  const remarks = found.flatMap(({ url, reason }) =>
    reason === undefined ? [] : [`${printable(`${url}: ${reason}`)}\n`]
  );
  return remarks.length === 0 ? table : `${table}\n${remarks.join("")}`;
}

function describe({ url, isRegistered, health, reason }: NodeRegistering): string {
  if (!isRegistered) return reason;
  return health === "up" ? `${url} is registered and up` : `${url} is registered, but ${health}: ${reason}`;
}
