import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { messageOf } from "../../../lib/errors.ts";
import { findLlamaCpp, requireProgram } from "../../../lib/llama_cpp/find.ts";
import { readDebianHost } from "../../../lib/llama_cpp/host_debian.ts";
import { readLlamaVersion, readRpcServerVersion } from "../../../lib/llama_cpp/read_version.ts";
import { setupLlamaCpp } from "../../../lib/llama_cpp/setup.ts";
import { freePort } from "../../fixtures/free_port.ts";

const reasonToSkip = await findReasonToSkip();

Deno.test({
  name: `a real llama.cpp from Debian's packages${reasonToSkip ? ` (skipped: ${reasonToSkip})` : ""}`,
  ignore: reasonToSkip !== undefined,
  fn: async (t) => {
    const directory = await Deno.makeTempDir({ prefix: "real_setup_" });
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => Deno.remove(directory, { recursive: true }));
    let prefix = join(directory, "llama cpp");

    await t.step("is installed from scratch, by one of two setups at once", async () => {
      const results = await Promise.all([setupLlamaCpp({ prefix }), setupLlamaCpp({ prefix })]);
      deepEqual(results.map(({ wasInstalled }) => wasInstalled).sort(), [false, true]);
    });

    await t.step("is there the second time, and leaves no packages and lists behind", async () => {
      equal((await setupLlamaCpp({ prefix })).wasInstalled, true);
      const install = join(prefix, "current");
      const names = await Array.fromAsync(Deno.readDir(install), ({ name }) => name);
      deepEqual(names.sort(), ["bin", "root", "sollol.json"]);
    });

    await t.step(
      "is found in its prefix, both programs of one build, also after the prefix was moved",
      async () => {
        const moved = join(directory, "elsewhere");
        await Deno.rename(prefix, moved);
        prefix = moved;
        const { llamaServer, rpcServer } = await findLlamaCpp({ prefix, env: {} });
        const ours = await readLlamaVersion(requireProgram(llamaServer));
        ok(ours.ok && (ours.version.build ?? 0) > 10_000, JSON.stringify(ours));
        deepEqual(await readRpcServerVersion(requireProgram(rpcServer)), ours);
      },
    );

    await t.step(
      "runs under the wrapper's pid and name, with the signals that its starter ignores",
      async () => {
        const rpcServer = join(prefix, "bin/ggml-rpc-server");
        const child = new Deno.Command("/bin/sh", {
          args: ["-c", `trap '' PIPE; exec "$0" --host 127.0.0.1 --port "$1"`, rpcServer, String(freePort())],
          stdout: "null",
          stderr: "piped",
        }).spawn();
        try {
          await untilPrinted(child.stderr, "Starting RPC server");
          const cmdline = (await Deno.readTextFile(`/proc/${child.pid}/cmdline`)).split("\0");
          match(cmdline[0]!, /\/ld-linux-[\w-]+\.so\.\d$/);
          equal(cmdline[cmdline.indexOf("--argv0") + 1], "ggml-rpc-server");
          const ignored =
            /^SigIgn:\s*([0-9a-f]+)$/m.exec(await Deno.readTextFile(`/proc/${child.pid}/status`))![1];
          equal(BigInt(`0x${ignored}`) >> 12n & 1n, 1n, "SIGPIPE, signal 13, is bit 12");
        } finally {
          child.kill();
          await child.status;
        }
      },
    );
  },
});

/** The host must be Debian-like, and its mirror must answer: what fails then is ours. */
async function findReasonToSkip(): Promise<string | undefined> {
  try {
    const { mirror } = await readDebianHost({ env: Deno.env.toObject() });
    if (!mirror.startsWith("http")) return undefined;
    const response = await fetch(`${mirror.replace(/\/$/, "")}/dists/forky/InRelease`, {
      method: "HEAD",
      signal: AbortSignal.timeout(5_000),
    });
    await response.body?.cancel();
    return response.ok ? undefined : `${mirror} answers ${response.status}`;
  } catch (error) {
    return messageOf(error);
  }
}

async function untilPrinted(stream: ReadableStream<Uint8Array>, text: string): Promise<void> {
  let seen = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    seen += part;
    if (seen.includes(text)) return;
  }
  throw new Error(`ended before it printed "${text}": ${seen}`);
}
