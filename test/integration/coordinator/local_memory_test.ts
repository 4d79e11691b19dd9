import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { readHeldMemory, readLocalMemory } from "../../../lib/coordinator/local_memory.ts";
import { readAvailableMemory } from "../../../lib/registry/host_memory.ts";
import { MIB } from "../../../lib/units.ts";

const NEVER = new AbortController().signal;
const isTold = await readAvailableMemory() !== undefined;

/** What {@linkcode readLocalMemory} finds with a llama-server that does this when it is asked for its devices. */
async function gpusBy(script: string, signal = NEVER): Promise<[name: string, freeMib: number][]> {
  const directory = await Deno.makeTempDir({ prefix: "local-memory-" });
  try {
    const program = join(directory, "llama-server");
    await Deno.writeTextFile(program, `#!/bin/sh\n[ "$*" = --list-devices ] || exit 9\n${script}\n`, {
      mode: 0o755,
    });
    const [ram, ...gpus] = await readLocalMemory(program, signal);
    equal(ram?.name, "CPU");
    ok(ram.freeBytes > MIB);
    return gpus.map(({ name, freeBytes }) => [name, freeBytes / MIB]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

for (
  const { name, script, want } of [
    {
      name: "adds the GPUs that llama-server lists",
      script: `echo "Available devices:"
echo "  CUDA0: NVIDIA GeForce RTX 3090 (24105 MiB, 23500 MiB free)"
echo "  Vulkan1: AMD (odd) name: here (8192 MiB, 8000 MiB free)"`,
      want: [["CUDA0", 23_500], ["Vulkan1", 8_000]],
    },
    {
      name: "counts devices that draw from the RAM once",
      script: 'echo "  BLAS: OpenBLAS (24105 MiB, 24105 MiB free)"',
      want: [],
    },
    {
      name: "finds no GPU where there is none",
      script: 'echo "Available devices:"; echo "  (none)"',
      want: [],
    },
    {
      name: "believes no device more than it has",
      script: 'echo "  CUDA0: x (1 MiB, 9 MiB free)"',
      want: [["CUDA0", 1]],
    },
    { name: "finds no GPU in noise", script: "head -c 300000 /dev/zero | tr '\\0' x; exit 1", want: [] },
    { name: "finds no GPU where llama-server dies of asking", script: "kill -SEGV $$", want: [] },
    {
      name: "shows it nothing that would change its options",
      script: 'echo "  $LLAMA_ARG_RPC: x (1 MiB, 1 MiB free)"',
      want: [],
    },
  ]
) {
  Deno.test({
    name: `readLocalMemory() ${name}`,
    ignore: !isTold,
    fn: async () => {
      Deno.env.set("LLAMA_ARG_RPC", "theirs");
      try {
        deepEqual(await gpusBy(script), want);
      } finally {
        Deno.env.delete("LLAMA_ARG_RPC");
      }
    },
  });
}

Deno.test({
  name: "readLocalMemory() ends with who wants to know",
  ignore: !isTold,
  fn: async () => {
    const left = new AbortController();
    const reason = new Error("nobody waits for it");
    const asked = gpusBy("exec sleep 60", left.signal);
    left.abort(reason);
    await rejects(asked, reason);
  },
});

Deno.test({
  name: "readHeldMemory() tells what a process has of its own, and nothing of one that is gone",
  ignore: !isTold,
  fn: async () => {
    ok(await readHeldMemory(Deno.pid) > MIB);
    equal(await readHeldMemory(2 ** 22 + 1), 0); // above the highest pid of Linux
  },
});
