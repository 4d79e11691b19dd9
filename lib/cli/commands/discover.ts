import { parseTimer } from "../../config/fields.ts";
import { elementsOf } from "../../config/text_value.ts";
import { OLLAMA_PORT } from "../../nodes/node_url.ts";
import { discover, type Discovery, type DiscoveryOptions, longestScanMs } from "../../rpc/discovery.ts";
import { DEFAULT_RPC_PORT, formatEndpoint } from "../../rpc/endpoint.ts";
import { parseIpv4Range } from "../../rpc/ipv4_range.ts";
import { formatDuration } from "../../units.ts";
import { type CliHost, type Command, defineCommand, UsageError } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GatewayApi } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { discoverNodes } from "../node_discovery.ts";
import { JSON_OPTION, readArgument, writeJson } from "../output.ts";
import { probeToJson, renderProbes } from "../probe_report.ts";
import { startProgress } from "../progress.ts";
import { registerAll, type Registration, registrationToJson, renderRegistrations } from "../registrations.ts";
import { painter } from "../terminal.ts";
import { ourProtocol } from "./probe.ts";

const TIMEOUT_MS = 500;
/** More would be a port scan. */
const MAX_PORTS = 8;

/** `sollol discover`: looks for rpc backends, or for Ollama nodes, in a range of private addresses. */
export const discoverCommand: Command = defineCommand({
  name: "discover",
  summary: "Look for rpc backends, or for Ollama nodes, in a private network.",
  details:
    "Asks each address of the range, 64 at a time, whether an rpc backend listens there. Backends that are in use " +
    "are not harmed; but each scan takes one of the two places in their queue until they are free, and one whose " +
    "queue is full does not answer. A range is a network such as 192.168.1.0/24, or 192.168.1.10-40, up to 4096 addresses (/20), " +
    "of a private network only: scan only what is yours. With --ollama, each address is asked for its Ollama instead, " +
    "and nothing is loaded there.\n\n" +
    "Ends with 0 if at least one is up. With --register, the gateway is told of those that are up, " +
    "and must be able to use all of them.",
  positionals: [{ name: "RANGE" }],
  options: {
    ollama: { type: "boolean", description: "Look for Ollama nodes, not for rpc backends." },
    port: {
      type: "string",
      value: "PORT",
      multiple: true,
      description:
        `A port to ask at, or several with commas between; default ${DEFAULT_RPC_PORT}, with --ollama ${OLLAMA_PORT}.`,
    },
    timeout: {
      type: "string",
      value: "DURATION",
      description: `Longest wait for each address and port; default ${TIMEOUT_MS}ms.`,
    },
    register: { type: "boolean", description: "Register those that are up with the gateway." },
    ...JSON_OPTION,
    ...GATEWAY_OPTIONS,
    ...CONFIG_FILE_OPTIONS,
  },
  examples: [
    "discover 192.168.1.0/24",
    "discover 192.168.1.10-40 --port 50052,50053 --json",
    "discover --ollama 192.168.1.0/24 --register",
    "discover 192.168.1.0/24 --register --gateway http://192.168.1.2:11435",
  ],
  async run(context) {
    const { args: [range = ""], options: { ollama, port, timeout, register, json } } = context;
    const addresses = readArgument("RANGE", range, parseIpv4Range);
    const { config } = await loadConfigForCommand(context);
    const timeoutMs = timeout === undefined ? TIMEOUT_MS : readArgument("--timeout", timeout, parseTimer);
    using api = register ? GatewayApi.of(context.options, config, context) : undefined;
    await api?.listBackends(); // a wrong URL or key is better known before the scan than after it
    if (ollama) {
      const wish = { addresses, ports: readPorts(port, OLLAMA_PORT), timeoutMs, isJson: json === true };
      return await discoverNodes(wish, api, context);
    }
    const discovery = await scan(addresses, {
      ports: readPorts(port, DEFAULT_RPC_PORT),
      timeoutMs,
      wantVersion: await ourProtocol(config, context.env),
    }, context);
    const up = discovery.found.filter(({ verdict }) => verdict === "up");
    const registrations = api && await registerAll(api, up.map(({ endpoint }) => endpoint));
    if (json) writeJson(context, toJson(discovery, registrations));
    else context.stdout.write(toText(discovery, registrations, context));
    return up.length > 0 && (registrations ?? []).every(({ isUsable }) => isUsable) ? 0 : 1;
  },
});

function readPorts(given: readonly string[], usual: number): number[] {
  const ports = given.flatMap((list) => elementsOf(list, ",")).map((text) => {
    const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (number >= 1 && number <= 65_535) return number;
    throw new UsageError(`--port: "${text}" is no port; write a number from 1 to 65535`);
  });
  if (ports.length > MAX_PORTS) {
    throw new UsageError(`--port: ${ports.length} ports are too many; name ${MAX_PORTS} at most`);
  }
  return ports.length > 0 ? ports : [usual];
}

async function scan(
  addresses: readonly string[],
  options: DiscoveryOptions,
  { stderr, env, signal }: Pick<CliHost, "stderr" | "env" | "signal">,
): Promise<Discovery> {
  if (!stderr.isTerminal) return await discover(addresses, { ...options, signal });
  const longest = formatDuration(longestScanMs(addresses.length, options));
  using progress = startProgress(
    { stderr, env },
    `Asking ${addresses.length} addresses, about ${longest} if nobody answers`,
  );
  const found: string[] = [];
  return await discover(addresses, {
    ...options,
    signal,
    onFound: ({ endpoint, verdict }) => found.push(`${formatEndpoint(endpoint)} (${verdict})`),
    onProgress: (doneCount, totalCount) => {
      const finds = found.length === 0 ? "nothing found yet" : `${found.length} found, last ${found.at(-1)}`;
      progress.update(`Asked ${doneCount} of ${totalCount}: ${finds}`, {
        isDetail: true,
      });
    },
  });
}

function toJson(
  { found, askedCount, unansweredCount, elapsedMs }: Discovery,
  registrations: readonly Registration[] | undefined,
) {
  return {
    found: found.map(probeToJson),
    askedCount,
    unansweredCount,
    elapsedMs: Math.round(elapsedMs),
    ...(registrations && { registered: registrations.map(registrationToJson) }),
  };
}

function toText(
  { found, askedCount, unansweredCount, elapsedMs }: Discovery,
  registrations: readonly Registration[] | undefined,
  { stdout, env }: Pick<CliHost, "stdout" | "env">,
): string {
  const paint = painter(stdout, env);
  const asked = `Asked ${askedCount} in ${formatDuration(elapsedMs)}; ` +
    `${unansweredCount} refused the connection or did not answer.\n`;
  const paragraphs = [
    ...(found.length > 0 ? [renderProbes(found, paint)] : []),
    asked,
    ...(registrations?.length ? [renderRegistrations(registrations, paint)] : []),
  ];
  return paragraphs.join("\n");
}
