import { formatEndpoint, parseEndpoint } from "../lib/rpc/endpoint.ts";
import { credentialLines } from "./credential.ts";
import { gpuCacheLines } from "./device_access.ts";
import { commandLine, environmentLines, verbatim } from "./quote.ts";
import { renderUnit } from "./render_unit.ts";
import { sandboxLines } from "./sandbox.ts";
import {
  cacheLines,
  checkedCount,
  checkedPort,
  installLines,
  memoryLines,
  orderLines,
} from "./service_lines.ts";
import type { ServiceOptions } from "./service_options.ts";
import { isLoopbackAddress, LOCALHOST, trafficLines, type TrafficOptions } from "./traffic.ts";
import type { UnitFile } from "./unit_file.ts";
import { checkedStem } from "./unit_name.ts";

/** What a llama-server over fixed rpc backends is told. */
export interface CoordinatorUnitOptions extends ServiceOptions, TrafficOptions {
  /** Absolute path of `llama-server`. */
  readonly program: string;
  /** Absolute path of the GGUF file; the first shard of a split one. */
  readonly modelPath: string;
  /** The model's name in answers. Default: llama-server's choice. */
  readonly alias?: string | undefined;
  /** Address that it listens on. */
  readonly host: string;
  /** TCP port that it listens on. */
  readonly port: number;
  /** `host:port` of each rpc backend. */
  readonly rpc: readonly string[];
  /** `RPC0`, `RPC1`, … counted through the devices of all backends. Default: one for each backend. */
  readonly deviceNames?: readonly string[] | undefined;
  /** Layers of each device. Default: llama.cpp deals them. */
  readonly tensorSplit?: readonly number[] | undefined;
  /** Tokens of one slot. Default: llama.cpp's. */
  readonly slotContextSize?: number | undefined;
  /** Requests that are computed at once. Default 1. */
  readonly slotCount?: number | undefined;
  /** Absolute path of the file with its API key. Default: it asks for none, and then must listen on loopback. */
  readonly apiKeyPath?: string | undefined;
  /** More options of llama-server. */
  readonly args?: readonly string[] | undefined;
}

const USUAL_STEM = "sollol-coordinator";

/**
 * `sollol-coordinator.service`: a `llama-server --rpc …`, for whoever wants one that always runs. The gateway uses it
 * where its config names it in `coordinators`.
 *
 * @throws {RangeError} If a value cannot stand in a unit; or everybody on the network could use it.
 */
export function coordinatorUnit(options: CoordinatorUnitOptions): UnitFile {
  const { manager, version, host, port, apiKeyPath, allow, gpu = "none", environment = {} } = options;
  const stem = checkedStem(options.stem ?? USUAL_STEM);
  assertLimited(options);
  const key = apiKeyPath === undefined ? "" : " --api-key-file %d/api-key";
  const needs = {
    addressFamilies: ["AF_INET", "AF_INET6", "AF_UNIX"],
    compilesCode: gpu !== "none",
    watchesHost: gpu !== "none",
  };
  return renderUnit({
    name: `${stem}.service`,
    manager,
    version,
    sections: {
      Unit: [
        `Description=${verbatim(`llama-server over rpc backends on ${host}:${port}`, "the address")}`,
        ...orderLines(options),
        "# It is never given up: it ends whenever one of its rpc backends does.",
        "StartLimitIntervalSec=0",
      ],
      Service: [
        "Type=exec",
        `ExecStart=${commandLine([options.program, ...argsOf(options)])}${key}`,
        ...(apiKeyPath === undefined ? [] : credentialLines([{ name: "api-key", path: apiKeyPath }])),
        "# An abort would start gdb.",
        "Environment=GGML_NO_BACKTRACE=1",
        ...gpuCacheLines(options, stem),
        ...environmentLines(environment),
        ...(gpu === "none" ? [] : cacheLines(stem)),
        "Restart=always",
        "RestartSec=5s",
        "# It does not end while a client is connected.",
        "TimeoutStopSec=10s",
        "OOMPolicy=kill",
        ...memoryLines(options),
        ...(allow === undefined ? [] : trafficLines(manager, [LOCALHOST, ...allow])),
        ...sandboxLines(options, needs),
      ],
      Install: installLines(manager),
    },
  });
}

/** `--rpc` comes first: `--device` knows only devices that were named before it, and without it one may be missing. */
function argsOf(options: CoordinatorUnitOptions): string[] {
  const { rpc, modelPath, alias, host, port, tensorSplit, slotContextSize, slotCount = 1, args = [] } =
    options;
  if (rpc.length === 0) {
    throw new RangeError("Cannot spread a model over no rpc backend: name one, as host:port");
  }
  const { deviceNames = rpc.map((_, index) => `RPC${index}`) } = options;
  return [
    ...["--rpc", rpc.map((endpoint) => formatEndpoint(parseEndpoint(endpoint))).join(",")],
    ...["--device", deviceNames.join(","), "-ngl", "999"],
    ...(tensorSplit === undefined ? ["-fit", "on"] : ["-ts", tensorSplit.join(","), "-fit", "off"]),
    ...["-m", modelPath, ...(alias === undefined ? [] : ["-a", alias])],
    // Slots divide the context.
    ...(slotContextSize === undefined
      ? []
      : ["-c", String(checkedCount(slotContextSize, "tokens of a slot") * slotCount)]),
    ...["-np", String(checkedCount(slotCount, "slots")), "--no-ui", "--offline", "--metrics"],
    ...["--host", host, "--port", String(checkedPort(port)), ...args],
  ];
}

function assertLimited({ manager, host, allow = [], apiKeyPath }: CoordinatorUnitOptions): void {
  const isShutOff = manager === "system" && allow.length > 0;
  if (apiKeyPath !== undefined || isShutOff || isLoopbackAddress(host)) return;
  throw new RangeError(
    `Cannot let a llama-server without a key listen on ${
      JSON.stringify(host.slice(0, 80))
    }: everybody could use it; ` +
      "name the file of a key, or listen on 127.0.0.1",
  );
}
