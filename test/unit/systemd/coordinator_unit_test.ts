import { equal, throws } from "node:assert/strict";
import { coordinatorUnit } from "../../../systemd/coordinator_unit.ts";

const COORDINATOR = {
  manager: "system",
  version: "1.2.3",
  program: "/usr/bin/llama-server",
  modelPath: "/srv/a.gguf",
  host: "127.0.0.1",
  port: 8080,
  rpc: ["192.168.1.20", "Shelf:50053"],
} as const;

for (
  const { name, options, line, isThere } of [
    {
      name: "names each device, so that none is missed silently",
      options: {},
      line:
        "ExecStart=/usr/bin/llama-server --rpc 192.168.1.20:50052,shelf:50053 --device RPC0,RPC1 -ngl 999 -fit on " +
        "-m /srv/a.gguf -np 1 --no-ui --offline --metrics --host 127.0.0.1 --port 8080",
      isThere: true,
    },
    {
      name: "takes a split, slots, a key and more",
      options: {
        deviceNames: ["RPC1", "RPC0"],
        tensorSplit: [10, 23],
        alias: "llama 70b",
        slotContextSize: 4096,
        slotCount: 2,
        apiKeyPath: "/etc/key",
        args: ["-ctk", "q8_0"],
      },
      line:
        "ExecStart=/usr/bin/llama-server --rpc 192.168.1.20:50052,shelf:50053 --device RPC1,RPC0 -ngl 999 -ts 10,23 " +
        '-fit off -m /srv/a.gguf -a "llama 70b" -c 8192 -np 2 --no-ui --offline --metrics --host 127.0.0.1 --port 8080 ' +
        "-ctk q8_0 --api-key-file %d/api-key",
      isThere: true,
    },
    {
      name: "has its key read by systemd",
      options: { apiKeyPath: "/etc/key" },
      line: "LoadCredential=api-key:/etc/key",
      isThere: true,
    },
    { name: "is never given up", options: {}, line: "StartLimitIntervalSec=0", isThere: true },
    { name: "starts no debugger", options: {}, line: "Environment=GGML_NO_BACKTRACE=1", isThere: true },
    {
      name: "without a list talks to its backends, wherever they are",
      options: {},
      line: "IPAddressDeny=any",
      isThere: false,
    },
  ] as const
) {
  Deno.test(`a coordinator ${name}`, () => {
    const { text } = coordinatorUnit({ ...COORDINATOR, ...options });
    equal(text.split("\n").includes(line), isThere, text);
  });
}

for (
  const { name, options, why } of [
    { name: "no rpc backend", options: { rpc: [] }, why: /no rpc backend/ },
    { name: "a backend that is none", options: { rpc: ["http://shelf"] }, why: /raw TCP/ },
    {
      name: "the network without a key",
      options: { host: "0.0.0.0" },
      why: /without a key listen on "0\.0\.0\.0"/,
    },
    {
      name: "the network without a key in a user's systemd, list or not",
      options: { host: "0.0.0.0", manager: "user", allow: ["10.0.0.1"] },
      why: /without a key/,
    },
    { name: "no slots", options: { slotCount: 0 }, why: /0 slots/ },
    { name: "no context", options: { slotContextSize: 0 }, why: /0 tokens/ },
    { name: "a port beyond the last", options: { port: 65_536 }, why: /65536/ },
  ] as const
) {
  Deno.test(`coordinatorUnit() refuses ${name}`, () => {
    throws(() => coordinatorUnit({ ...COORDINATOR, ...options }), { name: "RangeError", message: why });
  });
}
