import { equal, throws } from "node:assert/strict";
import { workerUnit } from "../../../systemd/worker_unit.ts";

const WORKER = {
  manager: "system",
  version: "1.2.3",
  command: ["/usr/local/bin/sollol"],
  gateway: "http://192.168.1.10:11435",
  allow: ["192.168.1.10"],
} as const;

for (
  const { name, options, line, isThere } of [
    {
      name: "is told where the gateway is",
      options: {},
      line: "ExecStart=/usr/local/bin/sollol worker --gateway http://192.168.1.10:11435 --drain 30000ms",
      isThere: true,
    },
    {
      name: "gets its token as a credential, and options as they are",
      options: { tokenPath: "/etc/my token", host: "10.0.0.2", args: ["--name", "50% %d"], drainMs: 0 },
      line:
        "ExecStart=/usr/local/bin/sollol worker --gateway http://192.168.1.10:11435 --host 10.0.0.2 --drain 0ms " +
        '--name "50%% %%d" --token-file %d/worker-token',
      isThere: true,
    },
    {
      name: "has its token read by systemd",
      options: { tokenPath: "/etc/my token" },
      line: "LoadCredential=worker-token:/etc/my token",
      isThere: true,
    },
    {
      name: "talks to the gateway and this host",
      options: {},
      line: "IPAddressAllow=localhost 192.168.1.10",
      isThere: true,
    },
    {
      name: "gets the time it asked for",
      options: { drainMs: 60_000 },
      line: "TimeoutStopSec=90s",
      isThere: true,
    },
    { name: "is watched", options: {}, line: "WatchdogSec=30s", isThere: true },
    {
      name: "outlives an rpc server that was too large",
      options: {},
      line: "OOMPolicy=continue",
      isThere: true,
    },
    {
      name: "is not started again with wrong options",
      options: {},
      line: "RestartPreventExitStatus=2",
      isThere: true,
    },
    { name: "may write code: V8 does", options: {}, line: "MemoryDenyWriteExecute=yes", isThere: false },
    {
      name: "caches weights where systemd says",
      options: {},
      line: "Environment=LLAMA_CACHE=%C/sollol-worker",
      isThere: true,
    },
    {
      name: "caches them in the home of a user",
      options: { manager: "user", force: true },
      line: "Environment=LLAMA_CACHE=%C/sollol-worker",
      isThere: false,
    },
  ] as const
) {
  Deno.test(`a worker ${name}`, () => {
    const { text } = workerUnit({ ...WORKER, ...options });
    equal(text.split("\n").includes(line), isThere, text);
  });
}

for (
  const { name, options, why } of [
    {
      name: "without a list",
      options: { allow: undefined },
      why: /Cannot run rpc servers: .* nothing limits/,
    },
    {
      name: "in a user's systemd unless it is forced",
      options: { manager: "user" },
      why: /only the system's/,
    },
    { name: "without a program", options: { command: [] }, why: /absolute path/ },
    { name: "for less than no time", options: { drainMs: -1 }, why: /milliseconds of drain/ },
  ] as const
) {
  Deno.test(`workerUnit() runs none ${name}`, () => {
    throws(() => workerUnit({ ...WORKER, ...options }), { name: "RangeError", message: why });
  });
}

Deno.test("workerUnit() needs no list where it listens on loopback", () => {
  equal(workerUnit({ ...WORKER, allow: undefined, host: "127.0.0.1" }).text.includes("IPAddress"), false);
});
