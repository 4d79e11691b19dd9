import { credentialLines } from "./credential.ts";
import { gpuCacheLines } from "./device_access.ts";
import { commandLine, environmentLines } from "./quote.ts";
import { renderUnit } from "./render_unit.ts";
import { sandboxLines, SOLLOL_NEEDS } from "./sandbox.ts";
import {
  cacheLines,
  checkedCount,
  drainLines,
  installLines,
  memoryLines,
  orderLines,
} from "./service_lines.ts";
import type { ServiceOptions } from "./service_options.ts";
import { assertGuarded, LOCALHOST, trafficLines, type TrafficOptions } from "./traffic.ts";
import type { UnitFile } from "./unit_file.ts";
import { checkedStem } from "./unit_name.ts";

/** What a worker is told. */
export interface WorkerUnitOptions extends ServiceOptions, TrafficOptions {
  /** How sollol is called: the absolute path of a program, and words before `worker`. */
  readonly command: readonly string[];
  /** URL of the gateway. With `allow` it should hold an address: who may ask a name server is not known here. */
  readonly gateway: string;
  /** IPv4 address that its rpc servers bind. Default: its own in the gateway's network. */
  readonly host?: string | undefined;
  /** Absolute path of the file with the token; only root need be able to read it. Default: no token. */
  readonly tokenPath?: string | undefined;
  /** More options of `sollol worker`, such as `--name` and `--devices` with their values. */
  readonly args?: readonly string[] | undefined;
  /** How long it waits at the end until no coordinator uses it, ms. Default 30 s. */
  readonly drainMs?: number | undefined;
  /** Whether it may run though nothing limits who talks to its rpc servers. Default false. */
  readonly force?: boolean | undefined;
}

const USUAL_STEM = "sollol-worker";
const DEFAULT_DRAIN_MS = 30_000;

/**
 * `sollol-worker.service`: lends this host's devices to a gateway.
 *
 * @throws {RangeError} If a value cannot stand in a unit; or nothing limits who may talk to its rpc servers, unless it
 *   is forced.
 */
export function workerUnit(options: WorkerUnitOptions): UnitFile {
  const { manager, version, command, gateway, host, tokenPath, args = [], environment = {} } = options;
  const { allow, drainMs = DEFAULT_DRAIN_MS } = options;
  const stem = checkedStem(options.stem ?? USUAL_STEM);
  assertGuarded(options);
  const bind = host === undefined ? [] : ["--host", host];
  const drain = ["--drain", `${checkedCount(drainMs, "milliseconds of drain", 0)}ms`];
  const argv = [...command, "worker", "--gateway", gateway, ...bind, ...drain, ...args];
  return renderUnit({
    name: `${stem}.service`,
    manager,
    version,
    sections: {
      Unit: [
        "Description=sollol worker: lends the devices of this host to a gateway",
        ...orderLines(options),
        "# It is never given up: nobody watches this host.",
        "StartLimitIntervalSec=0",
      ],
      Service: [
        "Type=notify",
        "NotifyAccess=main",
        `ExecStart=${commandLine(argv)}${tokenPath === undefined ? "" : " --token-file %d/worker-token"}`,
        ...(tokenPath === undefined ? [] : credentialLines([{ name: "worker-token", path: tokenPath }])),
        ...(manager === "user" ? [] : [`Environment=LLAMA_CACHE=%C/${stem}`]),
        ...gpuCacheLines(options, stem),
        ...environmentLines(environment),
        ...cacheLines(stem),
        "# A first look at a GPU compiles its kernels.",
        "TimeoutStartSec=10min",
        "WatchdogSec=30s",
        "Restart=always",
        "RestartSec=5s",
        "# Wrong options stay wrong.",
        "RestartPreventExitStatus=2",
        ...drainLines(drainMs),
        "# An rpc server that was too large is started again by the worker.",
        "OOMPolicy=continue",
        ...memoryLines(options),
        ...(allow === undefined ? [] : trafficLines(manager, [LOCALHOST, ...allow])),
        ...sandboxLines(options, SOLLOL_NEEDS),
      ],
      Install: installLines(manager),
    },
  });
}
