import { deepEqual, equal, throws } from "node:assert/strict";
import { gatewayUnits } from "../../../systemd/gateway_units.ts";

const GATEWAY = {
  manager: "system",
  version: "1.2.3",
  command: ["/usr/local/bin/sollol"],
  drainMs: 30_000,
} as const;

for (
  const { name, options, line, isThere } of [
    { name: "serves", options: {}, line: "ExecStart=/usr/local/bin/sollol serve", isThere: true },
    {
      name: "is called by any command, with its config and more options",
      options: {
        command: ["/opt/deno", "run", "-A", "/opt/sollol 2/main.ts"],
        configPath: "/etc/sollol/config.yaml",
        args: ["--set", "model=a $b"],
      },
      line:
        'ExecStart=/opt/deno run -A "/opt/sollol 2/main.ts" serve --config /etc/sollol/config.yaml --set "model=a $$b"',
      isThere: true,
    },
    { name: "tells when it serves", options: {}, line: "Type=notify", isThere: true },
    { name: "is watched", options: {}, line: "WatchdogSec=30s", isThere: true },
    {
      name: "reads its config again",
      options: {},
      line: "ExecReload=/bin/kill -HUP $MAINPID",
      isThere: true,
    },
    { name: "has time to drain", options: { drainMs: 90_500 }, line: "TimeoutStopSec=121s", isThere: true },
    { name: "alone is told to stop", options: {}, line: "KillMode=mixed", isThere: true },
    {
      name: "is not started again with wrong options",
      options: {},
      line: "RestartPreventExitStatus=2",
      isThere: true,
    },
    { name: "is given up some day", options: {}, line: "StartLimitBurst=30", isThere: true },
    { name: "talks to everybody unless told", options: {}, line: "IPAddressDeny=any", isThere: false },
    {
      name: "talks to a list and this host",
      options: { allow: ["10.0.0.0/8"] },
      line: "IPAddressAllow=localhost 10.0.0.0/8",
      isThere: true,
    },
    { name: "keeps its state", options: {}, line: "StateDirectory=sollol", isThere: true },
    {
      name: "keeps a user's where it does without systemd",
      options: { manager: "user" },
      line: "StateDirectory=sollol",
      isThere: false,
    },
    { name: "may write code: V8 does", options: {}, line: "MemoryDenyWriteExecute=yes", isThere: false },
    { name: "leaves no dump with keys in it", options: {}, line: "LimitCORE=0", isThere: true },
    {
      name: "outlives a coordinator that was too large",
      options: {},
      line: "OOMPolicy=continue",
      isThere: true,
    },
    {
      name: "waits for its socket",
      options: { socket: "0.0.0.0:80" },
      line: "Requires=sollol.socket",
      isThere: true,
    },
    { name: "needs no socket", options: {}, line: "Requires=sollol.socket", isThere: false },
  ] as const
) {
  Deno.test(`a gateway ${name}`, () => {
    const [service] = gatewayUnits({ ...GATEWAY, ...options });
    equal(service!.text.split("\n").includes(line), isThere, service!.text);
  });
}

Deno.test("gatewayUnits() writes a socket only where systemd is to listen", () => {
  const names = (socket?: string) => gatewayUnits({ ...GATEWAY, socket }).map(({ name }) => name);
  deepEqual(names(), ["sollol.service"]);
  deepEqual(names("127.0.0.1:11435"), ["sollol.service", "sollol.socket"]);
});

Deno.test("the socket has the same list: that of the service is not for what systemd hands it", () => {
  const list = ["IPAddressDeny=any", "IPAddressAllow=localhost 10.0.0.0/8"];
  for (const { text } of gatewayUnits({ ...GATEWAY, socket: "0.0.0.0:80", allow: ["10.0.0.0/8"] })) {
    deepEqual(text.split("\n").filter((line) => line.startsWith("IPAddress")), list);
  }
});

for (const address of ["0.0.0.0:11435", "127.0.0.1:1", "[::]:65535", "[fd00::1]:80"]) {
  Deno.test(`systemd listens on ${address}`, () => {
    const [, socket] = gatewayUnits({ ...GATEWAY, socket: address });
    equal(socket!.text.split("\n").includes(`ListenStream=${address}`), true);
  });
}

const NO_ADDRESSES = [
  ...[
    "",
    "11435",
    "/run/sollol.sock",
    "localhost:80",
    "shelf:80",
    "1.2.3.4",
    "1.2.3.4:",
    "1.2.3.4:0",
    "1.2.3.4:65536",
  ],
  ...["::1:80", "[::1]", "[1.2.3.4]:80", "1.2.3:80", "@abstract", "1.2.3.4:80\nUser=root", "vsock:1:2"],
];
for (const address of NO_ADDRESSES) {
  Deno.test(`systemd is not let listen on ${JSON.stringify(address)}`, () => {
    throws(() => gatewayUnits({ ...GATEWAY, socket: address }), {
      name: "RangeError",
      message: /^Cannot .*listen on/,
    });
  });
}
