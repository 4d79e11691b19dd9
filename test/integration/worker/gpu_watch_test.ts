import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createLogger } from "../../../lib/log.ts";
import { findGpuSources, GpuWatch } from "../../../lib/worker/gpu_watch.ts";
import { until } from "./worker_bed.ts";

const FIXTURES = fileURLToPath(new URL("../../fixtures", import.meta.url));
const signal = new AbortController().signal;

/** The only programs that are looked for; their scripts themselves run with the usual `PATH`. */
class Tools implements AsyncDisposable {
  private constructor(readonly directory: string) {}

  static async create(scripts: Record<string, string>): Promise<Tools> {
    const tools = new Tools(await Deno.makeTempDir({ prefix: "gpu-tools-" }));
    for (const [name, script] of Object.entries(scripts)) await tools.write(name, script);
    return tools;
  }

  get env() {
    return { PATH: this.directory };
  }

  async write(name: string, script: string): Promise<void> {
    const fresh = `${this.directory}/.${name}`; // renamed into place: one that is being executed cannot be written
    await Deno.writeTextFile(fresh, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    await Deno.rename(fresh, `${this.directory}/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

function logger(lines: string[]) {
  return createLogger({ sink: (line) => lines.push(line) });
}

Deno.test("findGpuSources() finds none where there is no tool and no card", async () => {
  deepEqual(await findGpuSources({ PATH: "/nowhere" }, { root: "/nowhere" }), []);
});

Deno.test("findGpuSources() reads AMD's cards from the kernel where their tool is missing", async () => {
  const [source] = await findGpuSources({ PATH: "/nowhere" }, { root: `${FIXTURES}/sysfs_amdgpu` });
  const cards = await source!.read(signal);
  deepEqual(
    cards.map(({ index, id, totalBytes, freeBytes, temperatureC, utilisation }) => {
      return { index, id, totalBytes, freeBytes, temperatureC, utilisation };
    }),
    [
      {
        index: 0,
        id: "0xac1b58f8c066790f",
        totalBytes: 17_163_091_968,
        freeBytes: 16_089_350_144,
        temperatureC: 52,
        utilisation: 0.42,
      },
      {
        index: 1,
        id: "pci:0000:c4:00.0",
        totalBytes: 536_870_912,
        freeBytes: 54_607_872,
        temperatureC: undefined,
        utilisation: undefined,
      },
    ],
  );
});

Deno.test("findGpuSources() reads AMD's cards from the kernel where their tool fails, and else says why it fails", async () => {
  await using tools = await Tools.create({ "rocm-smi": `cat '${FIXTURES}/rocm_smi/no_driver.txt'` });
  const [source] = await findGpuSources(tools.env, { root: `${FIXTURES}/sysfs_amdgpu` });
  deepEqual((await source!.read(signal)).map(({ index }) => index), [0, 1]);
  const [alone] = await findGpuSources(tools.env, { root: "/nowhere" });
  await rejects(alone!.read(signal), /rocm-smi gives no figures: ERROR:root:Driver not initialized/);
});

Deno.test("a watch has the figures of both vendors' tools, as far as they are visible", async () => {
  await using tools = await Tools.create({
    "nvidia-smi": `cat '${FIXTURES}/nvidia_smi/three_gpus.csv'`,
    "rocm-smi": `cat '${FIXTURES}/rocm_smi/rx_7900_xt.json'`,
  });
  const sources = await findGpuSources({ ...tools.env, CUDA_VISIBLE_DEVICES: "2" });
  await using watch = await GpuWatch.start(sources, { logger: logger([]), signal });
  deepEqual(watch.gpus.map(({ vendor, index }) => [vendor, index]), [["nvidia", 2], ["amd", 0]]);
});

Deno.test("a driver that fails is told once, its last figures stay, and its return is told", async () => {
  await using tools = await Tools.create({ "nvidia-smi": `cat '${FIXTURES}/nvidia_smi/one_gpu.csv'` });
  const lines: string[] = [];
  const sources = await findGpuSources(tools.env);
  await using watch = await GpuWatch.start(sources, { logger: logger(lines), signal, intervalMs: 10 });
  await tools.write("nvidia-smi", `cat '${FIXTURES}/nvidia_smi/driver_mismatch.txt'; exit 18`);
  await until(() => lines.length === 1, "it is told");
  match(lines[0]!, /nvidia-smi exited with code 18: NVML library version: 535.288/);
  equal(watch.gpus[0]!.name, "NVIDIA GeForce RTX 3090");
  await tools.write("nvidia-smi", `cat '${FIXTURES}/nvidia_smi/unified_memory.csv'`);
  await until(() => watch.gpus[0]!.name === "NVIDIA GB10", "it is back");
  equal(lines.length, 2);
  match(lines[1]!, /gpu figures are back/);
});

Deno.test("a tool that hangs is ended, and asked again; nobody waits for it", async () => {
  await using tools = await Tools.create({ "nvidia-smi": 'echo x >>"$0.count"; exec sleep 60' });
  const lines: string[] = [];
  const sources = await findGpuSources(tools.env, { toolTimeoutMs: 100 });
  await using watch = await GpuWatch.start(sources, { logger: logger(lines), signal, intervalMs: 10 });
  deepEqual(watch.gpus, []);
  match(lines[0]!, /nvidia-smi did not end in 100 ms/);
  await until(
    () => Deno.readTextFileSync(`${tools.directory}/nvidia-smi.count`).length >= 6,
    "asked three times",
  );
  equal(lines.length, 1);
});

Deno.test("a watch that is told to end does not wait for a tool that hangs", async () => {
  await using tools = await Tools.create({ "nvidia-smi": "exec sleep 60" });
  const startMs = performance.now();
  {
    const told = AbortSignal.timeout(50);
    await using _watch = await GpuWatch.start(await findGpuSources(tools.env), {
      logger: logger([]),
      signal: told,
    });
  }
  equal(performance.now() - startMs < 2_000, true);
});
