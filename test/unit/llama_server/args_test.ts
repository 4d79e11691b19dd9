import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { buildLaunchCommand, type LaunchOptions } from "../../../lib/llama_server/args.ts";
import { samplingArgs } from "../../../lib/llama_server/sampling_args.ts";

const base: LaunchOptions = {
  modelPath: "/models/m.gguf",
  alias: "llama3.1:70b",
  listen: { transport: "unix", path: "/run/x.sock" },
  apiKey: "the-secret",
  slotContextSize: 4096,
  slotCount: 2,
};
const rpc = {
  endpoints: ["10.0.0.2:50052", "10.0.0.3:50052"],
  deviceNames: ["RPC0", "RPC1"],
  tensorSplit: [5, 4],
};

function valueOf(args: readonly string[], flag: string): string | undefined {
  const index = args.indexOf(flag);
  return index < 0 ? undefined : args[index + 1];
}

Deno.test("buildLaunchCommand() writes the whole line of a coordinator", () => {
  const { args } = buildLaunchCommand({ ...base, rpc, threadCount: 3 });
  const sampling = samplingArgs({}, base.slotContextSize).join(" ");
  equal(
    args.join(" ").replace(` ${sampling}`, ""),
    "-m /models/m.gguf -a llama3.1:70b --rpc 10.0.0.2:50052,10.0.0.3:50052 --device RPC0,RPC1 -ngl 999 -ts 5,4 " +
      "-fit off -c 8192 -np 2 -t 3 -cram 256 -lv 4 --no-ui --offline --metrics " +
      "--threads-http 80 --host /run/x.sock",
  );
});

Deno.test("buildLaunchCommand() names backends before devices, which llama.cpp would not know otherwise", () => {
  const { args } = buildLaunchCommand({ ...base, rpc });
  ok(args.indexOf("--rpc") < args.indexOf("--device"));
});

Deno.test("buildLaunchCommand() keeps the API key out of the arguments, which ps shows", () => {
  const { args, env } = buildLaunchCommand({ ...base, rpc });
  ok(!args.join(" ").includes("the-secret"));
  deepEqual(env, { LLAMA_API_KEY: "the-secret", GGML_NO_BACKTRACE: "1" });
});

Deno.test("buildLaunchCommand() without rpc backends lets llama.cpp fit the model to this host", () => {
  const { args } = buildLaunchCommand(base);
  equal(valueOf(args, "-fit"), "on");
  for (const flag of ["--rpc", "--device", "-ts", "-ngl"]) ok(!args.includes(flag), flag);
});

Deno.test("buildLaunchCommand() passes on the rest", () => {
  const { args } = buildLaunchCommand({
    ...base,
    listen: { transport: "tcp", hostname: "127.0.0.1", port: 0 },
    promptCacheMib: 0,
    cacheTypeK: "q8_0",
    cacheTypeV: "q4_0",
    mmprojPath: "/m/p.gguf",
    loraPaths: ["/l/a.gguf", "/l/b.gguf"],
    extraArgs: ["--temp", "0"],
  });
  for (
    const pair of [
      ...["--host 127.0.0.1 --port 0", "-ctk q8_0 -ctv q4_0", "--mmproj /m/p.gguf", "-cram 0"],
      ...["--lora /l/a.gguf --lora /l/b.gguf", "--temp 0"],
    ]
  ) ok(args.join(" ").includes(pair), pair);
});

Deno.test("buildLaunchCommand() keeps a projector off the rpc devices, where no room is planned for it", () => {
  const withProjector = { ...base, mmprojPath: "/m/p.gguf" };
  ok(buildLaunchCommand({ ...withProjector, rpc }).args.includes("--no-mmproj-offload"));
  ok(!buildLaunchCommand(withProjector).args.includes("--no-mmproj-offload"));
});

Deno.test("buildLaunchCommand() serves a model whose name has a comma: llama-server would make two of it", () => {
  equal(valueOf(buildLaunchCommand({ ...base, alias: "a,b" }).args, "-a"), "a_b");
});

const sixteen = Array.from({ length: 16 }, (_, index) => index);
for (
  const { name, options, says } of [
    {
      name: "a 16th share, which llama.cpp refuses",
      options: { rpc: { ...rpc, deviceNames: sixteen.map((n) => `RPC${n}`), tensorSplit: sixteen } },
      says: /15 at most/,
    },
    {
      name: "shares without a device",
      options: { rpc: { ...rpc, tensorSplit: [1] } },
      says: /one share a device/,
    },
    {
      name: "a socket that llama-server would take for a host name",
      options: { listen: { transport: "unix", path: "/run/x" } },
      says: /ends in .sock/,
    },
    { name: "an extra --host", options: { extraArgs: ["--host", "0.0.0.0"] }, says: /"--host".*remove it/ },
    { name: "an extra -v, which logs prompts", options: { extraArgs: ["-v"] }, says: /"-v"/ },
    {
      name: "an extra -ub, which plans would not know of",
      options: { extraArgs: ["-ub", "2048"] },
      says: /"-ub".*set coordinator\.ubatch_size/,
    },
    {
      name: "an extra --swa-full",
      options: { extraArgs: ["--swa-full"] },
      says: /planned without it; remove it/,
    },
    { name: "attention that is not flash", options: { extraArgs: ["-fa", "off"] }, says: /flash attention/ },
    {
      name: "an extra --api-key=…, without a word of its value",
      options: { extraArgs: ["--api-key=x"] },
      says: /Cannot pass "--api-key" on/,
    },
  ] as const
) {
  Deno.test(`buildLaunchCommand() refuses ${name}`, () => {
    throws(() => buildLaunchCommand({ ...base, ...options } as LaunchOptions), (error) => {
      ok(error instanceof RangeError);
      return says.test(error.message);
    });
  });
}

Deno.test("buildLaunchCommand() lets the operator's options overrule those that are stored with the model", () => {
  const { args } = buildLaunchCommand({ ...base, params: { temperature: 0.2 }, extraArgs: ["--temp", "0"] });
  ok(args.indexOf("0.2") < args.lastIndexOf("--temp"), args.join(" "));
  equal(args[args.lastIndexOf("--temp") + 1], "0");
});

Deno.test("buildLaunchCommand() starts a model that embeds for that, and does not sample with it", () => {
  const { args } = buildLaunchCommand({ ...base, pooling: "mean", batchSize: 4096, ubatchSize: 4096 });
  equal(valueOf(args, "--pooling"), "mean");
  deepEqual([valueOf(args, "-b"), valueOf(args, "-ub")], ["4096", "4096"]);
  ok(args.includes("--embedding") && !args.includes("--temp"), args.join(" "));
});

Deno.test("buildLaunchCommand() starts a model that ranks for that", () => {
  const { args } = buildLaunchCommand({ ...base, pooling: "rank" });
  ok(args.includes("--reranking") && !args.includes("--embedding"), args.join(" "));
});

Deno.test("buildLaunchCommand() quotes the path of an adapter where --lora would take it for two", () => {
  const loraPaths = ["/l/a.gguf", "/l/b,c.gguf", '/l/d"e,f.gguf'];
  const { args } = buildLaunchCommand({ ...base, loraPaths });
  const given = args.filter((_, index) => args[index - 1] === "--lora");
  deepEqual(given, ["/l/a.gguf", '"/l/b,c.gguf"', '"/l/d""e,f.gguf"']);
});
