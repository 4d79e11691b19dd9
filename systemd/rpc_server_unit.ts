import { isIPv4 } from "node:net";
import { gpuCacheLines } from "./device_access.ts";
import { commandLine, environmentLines } from "./quote.ts";
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
import { assertGuarded, isLoopbackAddress, LOCALHOST, trafficLines, type TrafficOptions } from "./traffic.ts";
import type { UnitFile } from "./unit_file.ts";
import { checkedStem } from "./unit_name.ts";

/** What an rpc server is told whatever its port. */
export interface RpcServerTemplateOptions extends ServiceOptions, TrafficOptions {
  /** Absolute path of `ggml-rpc-server`. */
  readonly program: string;
  /** IPv4 address that it binds. */
  readonly host: string;
  /** Devices that it lends, as ggml names them. Default: all GPUs, or the CPU where there is none. */
  readonly devices?: readonly string[] | undefined;
  /** Threads of its CPU device. Default: half of the processors. */
  readonly threadCount?: number | undefined;
  /** Whether it keeps large weights on disk, so that they are sent once. Default false. */
  readonly isCaching?: boolean | undefined;
  /** Whether it may listen on the network though nothing limits who talks to it. Default false. */
  readonly force?: boolean | undefined;
}

const USUAL_STEM = "sollol-rpc";

/** What one rpc server is told. */
export interface RpcServerUnitOptions extends RpcServerTemplateOptions {
  /** TCP port. */
  readonly port: number;
}

/**
 * `sollol-rpc.service`: a `ggml-rpc-server` that is brought back whenever it ends.
 *
 * @throws {RangeError} If a value cannot stand in a unit; or it would listen on the network without a list of who may
 *   talk to it, unless it is forced.
 */
export function rpcServerUnit(options: RpcServerUnitOptions): UnitFile {
  const stem = checkedStem(options.stem ?? USUAL_STEM);
  const port = String(checkedPort(options.port));
  return render(options, { name: `${stem}.service`, port, cacheName: stem });
}

/**
 * `sollol-rpc@.service`: the same for several on a host. The instance is the port: `sollol-rpc@50052.service`.
 *
 * @throws {RangeError} As {@linkcode rpcServerUnit}.
 */
export function rpcServerTemplate(options: RpcServerTemplateOptions): UnitFile {
  const stem = checkedStem(options.stem ?? USUAL_STEM);
  return render(options, { name: `${stem}@.service`, port: "%i", cacheName: `${stem}-%i` });
}

/** What differs between the one and one of several; the last two may hold specifiers. */
interface Place {
  name: string;
  port: string;
  cacheName: string;
}

function render(options: RpcServerTemplateOptions, { name, port, cacheName }: Place): UnitFile {
  const { manager, version, host, gpu = "none", environment = {} } = options;
  if (!isIPv4(host)) {
    throw new RangeError(
      `Cannot let an rpc server listen on ${
        JSON.stringify(host.slice(0, 80))
      }: it takes only an IPv4 address, ` +
        "such as 192.168.1.20",
    );
  }
  assertGuarded(options);
  const allow = [...(isLoopbackAddress(host) ? [LOCALHOST] : []), ...options.allow ?? []];
  const needs = {
    addressFamilies: gpu === "none" ? ["AF_INET"] : ["AF_INET", "AF_UNIX"], // drivers ask their daemons
    compilesCode: gpu !== "none",
    watchesHost: gpu !== "none",
  };
  return renderUnit({
    name,
    manager,
    version,
    sections: {
      Unit: [
        `Description=rpc backend of llama.cpp on ${host}:${port}`,
        ...orderLines(options),
        "# It is never given up: what was missing may be there the next time.",
        "StartLimitIntervalSec=0",
      ],
      Service: [
        "Type=exec",
        `ExecStart=${commandLine([options.program, ...argsOf(options)])} -p ${port}`,
        ...(options.isCaching ? [`Environment=LLAMA_CACHE=%C/${cacheName}`] : []),
        ...gpuCacheLines(options, cacheName),
        ...environmentLines(environment),
        ...(options.isCaching || gpu !== "none" ? cacheLines(cacheName) : []),
        "# A client that leaves before its answer would kill it otherwise.",
        "IgnoreSIGPIPE=yes",
        "# Always: it also ends with 0 where it could not listen.",
        "Restart=always",
        "RestartSec=2s",
        "TimeoutStopSec=10s",
        "OOMPolicy=kill",
        ...memoryLines(options),
        ...trafficLines(manager, allow),
        ...sandboxLines(options, needs),
      ],
      Install: installLines(manager),
    },
  });
}

function argsOf({ host, devices = [], threadCount, isCaching }: RpcServerTemplateOptions): string[] {
  return [
    ...["-H", host],
    ...(devices.length === 0 ? [] : ["-d", devices.join(",")]),
    ...(threadCount === undefined ? [] : ["-t", String(checkedCount(threadCount, "threads"))]),
    ...(isCaching ? ["-c"] : []),
  ];
}
