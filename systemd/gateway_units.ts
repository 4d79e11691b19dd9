import { isIPv4, isIPv6 } from "node:net";
import { type Credential, credentialLines } from "./credential.ts";
import { gpuCacheLines } from "./device_access.ts";
import { commandLine, environmentLines } from "./quote.ts";
import { renderUnit } from "./render_unit.ts";
import { sandboxLines, SOLLOL_NEEDS } from "./sandbox.ts";
import {
  cacheLines,
  checkedPort,
  drainLines,
  installLines,
  memoryLines,
  orderLines,
} from "./service_lines.ts";
import type { ServiceOptions } from "./service_options.ts";
import { LOCALHOST, trafficLines, type TrafficOptions } from "./traffic.ts";
import type { ManagerKind, UnitFile } from "./unit_file.ts";
import { checkedStem } from "./unit_name.ts";

/** What a gateway is told. */
export interface GatewayUnitsOptions extends ServiceOptions, TrafficOptions {
  /** How sollol is called: the absolute path of a program, and words before `serve`. */
  readonly command: readonly string[];
  /** Absolute path of the config file, readable for the service. Default: sollol looks in its usual places. */
  readonly configPath?: string | undefined;
  /** More options of `sollol serve`. */
  readonly args?: readonly string[] | undefined;
  /** `timeouts.drain` of the config, ms. */
  readonly drainMs: number;
  /** What the config names by `credential`. */
  readonly credentials?: readonly Credential[] | undefined;
  /** `host:port` that systemd listens on for the gateway. Default: the gateway listens itself. */
  readonly socket?: string | undefined;
}

const USUAL_STEM = "sollol";

/**
 * `sollol.service`, and `sollol.socket` if systemd is to listen.
 *
 * @throws {RangeError} If a value cannot stand in a unit.
 */
export function gatewayUnits(options: GatewayUnitsOptions): UnitFile[] {
  const { socket } = options;
  const stem = checkedStem(options.stem ?? USUAL_STEM);
  return [serviceUnit(options, stem), ...(socket === undefined ? [] : [socketUnit(options, stem, socket)])];
}

function serviceUnit(options: GatewayUnitsOptions, stem: string): UnitFile {
  const { manager, version, command, configPath, args = [], environment = {} } = options;
  const config = configPath === undefined ? [] : ["--config", configPath];
  return renderUnit({
    name: `${stem}.service`,
    manager,
    version,
    sections: {
      Unit: [
        "Description=sollol: one gateway for Ollama nodes and models spread over rpc backends",
        ...orderLines(options),
        ...(options.socket === undefined ? [] : [`Requires=${stem}.socket`, `After=${stem}.socket`]),
        "# Three minutes of failing, such as by a wrong config, are enough; a death now and then is not counted.",
        "StartLimitIntervalSec=10min",
        "StartLimitBurst=30",
      ],
      Service: [
        "Type=notify",
        "NotifyAccess=main",
        `ExecStart=${commandLine([...command, "serve", ...config, ...args])}`,
        "ExecReload=/bin/kill -HUP $MAINPID",
        "TimeoutStartSec=5min",
        "WatchdogSec=30s",
        ...drainLines(options.drainMs),
        "Restart=always",
        "RestartSec=5s",
        "# Wrong options stay wrong.",
        "RestartPreventExitStatus=2",
        "# A coordinator that was too large is not the end of the gateway.",
        "OOMPolicy=continue",
        ...memoryLines(options),
        "LimitNOFILE=65536",
        "# A dump would hold keys and what people wrote.",
        "LimitCORE=0",
        ...directoryLines(manager, stem),
        ...credentialLines(options.credentials ?? []),
        ...gpuCacheLines(options, stem),
        ...environmentLines(environment),
        ...gatewayTraffic(options),
        ...sandboxLines(options, SOLLOL_NEEDS),
      ],
      Install: installLines(manager),
    },
  });
}

/** Without a list it talks to everybody: who its clients and nodes are is not known here. */
function gatewayTraffic({ manager, allow }: GatewayUnitsOptions): string[] {
  return allow === undefined ? [] : trafficLines(manager, [LOCALHOST, ...allow]);
}

/** A user's systemd of 252 would put the state beside his config; the gateway knows a better place below his home. */
function directoryLines(manager: ManagerKind, stem: string): string[] {
  return [
    ...(manager === "user" ? [] : [`StateDirectory=${stem}`, "StateDirectoryMode=0700"]),
    ...cacheLines(stem),
    `RuntimeDirectory=${stem}`,
    "RuntimeDirectoryMode=0700",
  ];
}

function socketUnit(options: GatewayUnitsOptions, stem: string, address: string): UnitFile {
  const { manager, version } = options;
  return renderUnit({
    name: `${stem}.socket`,
    manager,
    version,
    sections: {
      Unit: [`Description=Where sollol listens: ${address}`],
      Socket: [
        `ListenStream=${checkedAddress(address)}`,
        "# The address may come later than this unit.",
        "FreeBind=yes",
        "NoDelay=yes",
        // The service's own lines are not for what systemd hands it.
        ...gatewayTraffic(options),
      ],
      Install: ["WantedBy=sockets.target"],
    },
  });
}

/** @throws {RangeError} If systemd would take it for something else, such as the path of a socket. */
function checkedAddress(address: string): string {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address) ?? [];
  if (isIPv6(bracketed ?? "") || isIPv4(plain ?? "")) {
    checkedPort(Number(port));
    return address;
  }
  throw new RangeError(
    `Cannot let systemd listen on ${JSON.stringify(address.slice(0, 80))}: ` +
      "write an address and a port, such as 0.0.0.0:11435 or [::]:11435",
  );
}
