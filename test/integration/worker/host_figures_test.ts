import { deepEqual, equal, ok } from "node:assert/strict";
import { dirname } from "node:path";
import { readHostFigures } from "../../../lib/worker/host_figures.ts";

async function figuresOf(files: Record<string, string>) {
  const root = await Deno.makeTempDir({ prefix: "host-figures-" });
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(root + path), { recursive: true });
      await Deno.writeTextFile(root + path, text);
    }
    return await readHostFigures(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const MACHINE = {
  "/proc/meminfo": "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 800 kB\n",
  "/proc/loadavg": "0.26 0.25 0.55 1/93 11356\n",
};

Deno.test("readHostFigures() says what this machine has", async () => {
  const { totalBytes, availableBytes, cpuCount } = await readHostFigures();
  ok(availableBytes > 0 && availableBytes <= totalBytes && cpuCount >= 1);
});

Deno.test("readHostFigures() reads memory and load of a machine without limits", async () => {
  const { cpuCount: _, ...figures } = await figuresOf(MACHINE);
  deepEqual(figures, { totalBytes: 1_024_000, availableBytes: 819_200, load1m: 0.26 });
});

Deno.test("readHostFigures() obeys the limit of a group above ours in version 2", async () => {
  const { totalBytes, availableBytes } = await figuresOf({
    ...MACHINE,
    "/proc/self/cgroup": "0::/pod/container\n",
    "/sys/fs/cgroup/pod/memory.max": "500000\n",
    "/sys/fs/cgroup/pod/memory.current": "200000\n",
    "/sys/fs/cgroup/pod/memory.stat": "inactive_file 50000\n",
    "/sys/fs/cgroup/pod/container/memory.max": "max\n",
    "/sys/fs/cgroup/pod/container/memory.current": "100000\n",
  });
  deepEqual([totalBytes, availableBytes], [500_000, 350_000]);
});

Deno.test("readHostFigures() finds a container's limit of version 1 where its path is the host's", async () => {
  const { totalBytes, availableBytes } = await figuresOf({
    ...MACHINE,
    "/proc/self/cgroup": "4:memory:/docker/abc\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "500000\n",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes": "100000\n",
  });
  deepEqual([totalBytes, availableBytes], [500_000, 400_000]);
});

Deno.test("readHostFigures() does without a load where there is none", async () => {
  equal((await figuresOf({ "/proc/meminfo": MACHINE["/proc/meminfo"] })).load1m, undefined);
});
