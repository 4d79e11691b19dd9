import { deviceLines } from "./device_access.ts";
import { readableLines } from "./readable_lines.ts";
import type { ServiceOptions } from "./service_options.ts";

/** What a service does beside listening and reading. */
export interface SandboxNeeds {
  /** Families of sockets that it opens. */
  readonly addressFamilies: readonly string[];
  /** Whether it writes machine code and runs it, as V8 and the drivers of GPUs do. */
  readonly compilesCode: boolean;
  /** Whether it reads in `/proc` of the host's memory, load, connections and drivers. */
  readonly watchesHost: boolean;
}

/** What sollol itself needs: V8 compiles code, and this host's own addresses come by netlink. */
export const SOLLOL_NEEDS: SandboxNeeds = {
  addressFamilies: ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"],
  compilesCode: true,
  watchesHost: true,
};

/**
 * The lines that take from a service what it does not need. The systemd of a user has no more rights than he has: there
 * only what a process may give up by itself is left.
 *
 * @throws {RangeError} If a group or a path cannot stand in a unit.
 * @see systemd.exec(5), "Sandboxing"
 */
export function sandboxLines(options: ServiceOptions, needs: SandboxNeeds): string[] {
  const { manager, gpu = "none", readablePaths = [] } = options;
  return [
    ...(manager === "user" ? [] : [
      "DynamicUser=yes",
      ...readableLines(readablePaths),
      ...deviceLines(options),
      ...ISOLATION,
      ...(needs.watchesHost ? [] : ["ProcSubset=pid"]),
      ...(gpu === "none" ? ["PrivateUsers=yes"] : []), // never tried with the drivers of GPUs
    ]),
    ...RENUNCIATION,
    ...(needs.compilesCode ? [] : ["MemoryDenyWriteExecute=yes"]),
    `RestrictAddressFamilies=${needs.addressFamilies.join(" ")}`,
    "SystemCallFilter=@system-service",
    // Drivers pin threads and memory to processors.
    `SystemCallFilter=~@privileged${gpu === "none" ? " @resources" : ""}`,
    // A call that is refused fails; without this line it would kill.
    "SystemCallErrorNumber=EPERM",
  ];
}

const ISOLATION: readonly string[] = [
  "CapabilityBoundingSet=",
  "PrivateTmp=yes",
  "ProtectClock=yes",
  "ProtectControlGroups=yes",
  "ProtectHostname=yes",
  "ProtectKernelLogs=yes",
  "ProtectKernelModules=yes",
  "ProtectKernelTunables=yes",
  "ProtectProc=invisible",
  "ProtectSystem=strict",
  "RemoveIPC=yes",
];

const RENUNCIATION: readonly string[] = [
  "LockPersonality=yes",
  "NoNewPrivileges=yes",
  "RestrictNamespaces=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "SystemCallArchitectures=native",
  "UMask=0077",
];
