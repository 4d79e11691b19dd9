import { deepEqual, equal } from "node:assert/strict";
import { type LogEvent, parseLogLine } from "../../../lib/llama_server/log_line.ts";

const MIB = 1024 ** 2;
const FIXTURES = new URL("../../fixtures/llama_server_logs/", import.meta.url);

async function readTranscript(name: string): Promise<string[]> {
  return (await Deno.readTextFile(new URL(`${name}.log`, FIXTURES))).split("\n");
}

function eventsOf(lines: readonly string[]): LogEvent[] {
  return lines.map(parseLogLine).filter((event) => event !== undefined);
}

for (
  const { name, line, want } of [
    {
      name: "a device of this host, whose description has brackets",
      line:
        "0.00.031.462 I cmn  common_param:   - CPU     : Intel(R) Xeon(R) Processor @ 2.50GHz (24105 MiB, 23000 MiB free)",
      want: {
        type: "device",
        name: "CPU",
        description: "Intel(R) Xeon(R) Processor @ 2.50GHz",
        totalBytes: 24105 * MIB,
        freeBytes: 23000 * MIB,
      },
    },
    {
      name: "a device that will be used",
      line:
        "0.00.036.463 I llama_prepare_model_devices: using device RPC0 (127.0.0.2:51952) (unknown id) - 24105 MiB free",
      want: { type: "using_device", name: "RPC0", description: "127.0.0.2:51952", freeBytes: 24105 * MIB },
    },
    {
      name: "a buffer on the second device of a backend",
      line: "load_tensors: RPC1[10.0.0.2:50052] model buffer size =     0.85 MiB",
      want: {
        type: "buffer",
        use: "model",
        device: { on: "rpc", endpoint: "10.0.0.2:50052", deviceIndex: 1 },
        bytes: Math.round(0.85 * MIB),
      },
    },
    {
      name: "a buffer on this host",
      line: "0.00.043.705 I load_tensors:   CPU_Mapped model buffer size =  1234.50 MiB",
      want: { type: "buffer", use: "model", device: { on: "host", name: "CPU_Mapped" }, bytes: 1234.5 * MIB },
    },
    {
      name: "the older wording of listening, without the function's name",
      line: "main: server is listening on http://127.0.0.1:8080",
      want: { type: "listening", url: "http://127.0.0.1:8080" },
    },
    {
      name: "the port that the kernel chose",
      line: "0.00.077.960 I srv  llama_server: listening on http://127.0.0.1:40123",
      want: { type: "listening", url: "http://127.0.0.1:40123" },
    },
    {
      name: "a line that says nothing to us",
      line: "0.00.037.689 I print_info: n_ctx_train           = 32768",
      want: undefined,
    },
    { name: "an empty line", line: "", want: undefined },
  ]
) {
  Deno.test(`parseLogLine() reads ${name}`, () => deepEqual(parseLogLine(line), want));
}

Deno.test("the transcript of a start over three backends tells its phases in order", async () => {
  const phases = eventsOf(await readTranscript("ready_three_backends"))
    .filter(({ type }) => type !== "buffer").map(({ type }) => type);
  deepEqual(phases, [
    ...["device_info", "device", "device", "device", "device"],
    ...["using_device", "using_device", "using_device", "loading", "offloaded"],
    ...["warming_up", "model_loaded", "listening", "stopping"],
  ]);
});

Deno.test("the transcript of a 5,3,1 split tells the buffers of each backend", async () => {
  const buffers = eventsOf(await readTranscript("ready_three_backends")).filter((event) =>
    event.type === "buffer"
  );
  const table = buffers.map(({ use, device, bytes }) =>
    `${use} ${device.on === "rpc" ? device.endpoint : device.name} ${(bytes / MIB).toFixed(2)}`
  );
  deepEqual(table, [
    "model CPU_Mapped 0.13",
    "model 127.0.0.2:51952 1.41",
    "model 127.0.0.3:51952 0.85",
    "model 127.0.0.4:51952 0.13",
    "output CPU 0.00",
    "KV 127.0.0.2:51952 5.00",
    "KV 127.0.0.3:51952 3.00",
    "compute 127.0.0.2:51952 13.30",
    "compute 127.0.0.3:51952 11.04",
    "compute 127.0.0.4:51952 0.01",
    "compute CPU 10.57",
  ]);
});

Deno.test("the transcript of a chat tells how long prompt and generation took", async () => {
  const timings = eventsOf(await readTranscript("one_chat_then_sigterm")).filter(({ type }) =>
    type === "timing"
  );
  deepEqual(timings, [
    { type: "timing", slot: 0, task: 0, phase: "prompt", ms: 24.86, tokenCount: 32 },
    { type: "timing", slot: 0, task: 0, phase: "generation", ms: 19.79, tokenCount: 8 },
    { type: "timing", slot: 0, task: 0, phase: "total", ms: 44.64, tokenCount: 40 },
  ]);
});

Deno.test("the transcript of a start on this host counts every layer", async () => {
  const offloaded = eventsOf(await readTranscript("ready_on_this_host")).filter(({ type }) =>
    type === "offloaded"
  );
  equal(offloaded.length > 0, true);
  deepEqual(offloaded.at(-1), { type: "offloaded", layerCount: 9, ofCount: 9 });
});
