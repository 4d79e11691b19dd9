import { equal, match, ok, throws } from "node:assert/strict";
import { rpcServerTemplate, rpcServerUnit } from "../../../systemd/rpc_server_unit.ts";
import { isUntouched } from "../../../systemd/seal.ts";

const LENT = {
  manager: "system",
  version: "1.2.3",
  program: "/opt/llama.cpp/bin/ggml-rpc-server",
  host: "192.168.1.20",
  port: 50052,
  allow: ["192.168.1.10"],
} as const;

Deno.test("rpcServerUnit() gives a sealed unit that tells who made it", () => {
  const { name, text } = rpcServerUnit(LENT);
  equal(name, "sollol-rpc.service");
  match(
    text,
    /^# sollol-rpc\.service, made by sollol 1\.2\.3\.\n# Change it with `systemctl edit sollol-rpc\.service`/,
  );
  ok(isUntouched(text));
});

for (
  const { name, options, want } of [
    { name: "address and port", options: {}, want: "-H 192.168.1.20 -p 50052" },
    {
      name: "devices",
      options: { devices: ["CUDA0", "CUDA1"] },
      want: "-H 192.168.1.20 -d CUDA0,CUDA1 -p 50052",
    },
    { name: "threads", options: { threadCount: 8 }, want: "-H 192.168.1.20 -t 8 -p 50052" },
    { name: "its cache", options: { isCaching: true }, want: "-H 192.168.1.20 -c -p 50052" },
  ]
) {
  Deno.test(`rpcServerUnit() passes ${name}`, () => {
    const lines = rpcServerUnit({ ...LENT, ...options }).text.split("\n");
    ok(lines.includes(`ExecStart=/opt/llama.cpp/bin/ggml-rpc-server ${want}`), lines.join("\n"));
  });
}

for (
  const { name, options, line, isThere } of [
    { name: "is brought back whenever it ends", options: {}, line: "Restart=always", isThere: true },
    { name: "is never given up", options: {}, line: "StartLimitIntervalSec=0", isThere: true },
    { name: "outlives clients that leave", options: {}, line: "IgnoreSIGPIPE=yes", isThere: true },
    { name: "shuts everybody off", options: {}, line: "IPAddressDeny=any", isThere: true },
    { name: "but the gateway", options: {}, line: "IPAddressAllow=192.168.1.10", isThere: true },
    {
      name: "on loopback talks to this host alone",
      options: { host: "127.0.0.1", allow: [] },
      line: "IPAddressAllow=localhost",
      isThere: true,
    },
    {
      name: "by force talks to everybody",
      options: { allow: [], force: true },
      line: "IPAddressDeny=any",
      isThere: false,
    },
    {
      name: "caches where systemd says",
      options: { isCaching: true },
      line: "Environment=LLAMA_CACHE=%C/sollol-rpc",
      isThere: true,
    },
    { name: "has no cache unless told", options: {}, line: "CacheDirectory=sollol-rpc", isThere: false },
    {
      name: "keeps what drivers of GPUs compile",
      options: { gpu: "nvidia" },
      line: "CacheDirectory=sollol-rpc",
      isThere: true,
    },
    { name: "may not write code on a CPU", options: {}, line: "MemoryDenyWriteExecute=yes", isThere: true },
    {
      name: "may write code with a GPU",
      options: { gpu: "amd" },
      line: "MemoryDenyWriteExecute=yes",
      isThere: false,
    },
    { name: "sees no device on a CPU", options: {}, line: "PrivateDevices=yes", isThere: true },
    { name: "sees its GPU", options: { gpu: "intel" }, line: "PrivateDevices=yes", isThere: false },
    { name: "has a user of its own", options: {}, line: "DynamicUser=yes", isThere: true },
    {
      name: "is the user's own in his systemd",
      options: { manager: "user", force: true },
      line: "DynamicUser=yes",
      isThere: false,
    },
    { name: "starts with the machine", options: {}, line: "WantedBy=multi-user.target", isThere: true },
    {
      name: "starts with the user",
      options: { manager: "user", force: true },
      line: "WantedBy=default.target",
      isThere: true,
    },
  ] as const
) {
  Deno.test(`an rpc server ${name}`, () => {
    const { text } = rpcServerUnit({ ...LENT, ...options });
    equal(text.split("\n").includes(line), isThere, text);
  });
}

Deno.test("rpcServerTemplate() takes its port from the instance, and each instance has its own cache", () => {
  const { name, text } = rpcServerTemplate({ ...LENT, isCaching: true });
  equal(name, "sollol-rpc@.service");
  match(text, /^Description=.* 192\.168\.1\.20:%i$/m);
  match(text, /^ExecStart=.* -p %i$/m);
  match(text, /^Environment=LLAMA_CACHE=%C\/sollol-rpc-%i$/m);
  match(text, /^CacheDirectory=sollol-rpc-%i$/m);
});

for (
  const { name, options, why } of [
    {
      name: "the network without a list",
      options: { allow: [] },
      why: /nothing limits who does; name the gateway's/,
    },
    {
      name: "all addresses without a list",
      options: { host: "0.0.0.0", allow: undefined },
      why: /on 0\.0\.0\.0/,
    },
    {
      name: "the network in a user's systemd",
      options: { manager: "user" },
      why: /only the system's systemd/,
    },
    { name: "a name", options: { host: "localhost" }, why: /"localhost": it takes only an IPv4 address/ },
    { name: "IPv6", options: { host: "::1" }, why: /IPv4/ },
    { name: "no port", options: { port: 0 }, why: /port 0/ },
    { name: "half a thread", options: { threadCount: 0.5 }, why: /0\.5 threads/ },
    { name: "a line break in its devices", options: { devices: ["CPU\nUser=root"] }, why: /line break/ },
    { name: "a line break in the version", options: { version: "1\n[Service]" }, why: /line break/ },
    {
      name: "a line that systemd would not read",
      options: { devices: ["x".repeat(2 ** 20)] },
      why: /less than 1 MiB/,
    },
  ] as const
) {
  Deno.test(`rpcServerUnit() refuses ${name}`, () => {
    throws(() => rpcServerUnit({ ...LENT, ...options }), { name: "RangeError", message: why });
  });
}
