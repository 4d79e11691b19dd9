import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { checkPrograms } from "../../../lib/llama_cpp/check_programs.ts";
import { writeInstallation } from "../../../lib/llama_cpp/installation.ts";
import { readLlamaVersion, readRpcServerVersion } from "../../../lib/llama_cpp/read_version.ts";

/** A directory of shell scripts that stand for llama.cpp programs. */
class Programs implements AsyncDisposable {
  private constructor(readonly directory: string) {}

  static async create(): Promise<Programs> {
    return new Programs(await Deno.makeTempDir({ prefix: "programs_" }));
  }

  async write(name: string, body: string): Promise<string> {
    const path = join(this.directory, name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

const VERSION = "echo 'version: 5432 (abc123)' >&2";

Deno.test("readLlamaVersion() reads the version from either stream", async () => {
  await using programs = await Programs.create();
  for (const body of [VERSION, "echo 'version: 5432 (abc123)'"]) {
    const reading = await readLlamaVersion(await programs.write("llama-server", body));
    deepEqual(reading, { ok: true, version: { text: "5432 (abc123)", build: 5432, commit: "abc123" } });
  }
});

for (
  const { name, body, because } of [
    { name: "hangs with a helper", body: "sleep 300 & wait", because: /" did not end in 300 ms$/ },
    {
      name: "ignores SIGTERM and prints without end",
      body: "trap '' TERM; exec yes",
      because: /did not end in 300 ms$/,
    },
    { name: "crashes", body: "kill -SEGV $$", because: /crashed \(SIGSEGV, code 139\)/ },
    {
      name: "was built for another processor",
      body: "kill -ILL $$",
      because: /SIGILL, code 132\): it was built for another processor/,
    },
    {
      name: "lacks a library",
      body:
        "echo 'x: error while loading shared libraries: libllama.so.0: cannot open shared object file' >&2; exit 127",
      because: /cannot load its libraries: x: error while loading shared libraries: libllama\.so\.0/,
    },
    { name: "prints garbage", body: "head -c 100000 /dev/urandom", because: /printed no version$/ },
    { name: "fails after its version", body: `${VERSION}; exit 3`, because: /exited with code 3/ },
  ]
) {
  Deno.test(`readLlamaVersion() tells of a program that ${name}`, async () => {
    await using programs = await Programs.create();
    const reading = await readLlamaVersion(await programs.write("llama-server", body), { timeoutMs: 300 });
    ok(!reading.ok);
    match(reading.because, because);
  });
}

Deno.test("readLlamaVersion() tells of a file that is no program, and of none", async () => {
  await using programs = await Programs.create();
  const text = await programs.write("llama-server", VERSION);
  await Deno.chmod(text, 0o644);
  for (const path of [text, "/nonexistent/llama-server"]) {
    const reading = await readLlamaVersion(path);
    ok(!reading.ok);
    match(reading.because, new RegExp(`^Cannot start "${path}": `));
  }
});

Deno.test("readLlamaVersion() throws the reason when it is aborted, and ends the program", async () => {
  await using programs = await Programs.create();
  const path = await programs.write("llama-server", `echo $$ >"$0.pid"; sleep 300 & wait`);
  const controller = new AbortController();
  const reading = readLlamaVersion(path, { signal: controller.signal });
  reading.catch(() => {});
  let pid = "";
  for (; !pid.endsWith("\n"); pid = await Deno.readTextFile(`${path}.pid`).catch(() => "")) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  controller.abort(new Error("enough"));
  await rejects(reading, { message: "enough" });
  await rejects(Deno.stat(`/proc/${pid.trim()}`), Deno.errors.NotFound);
});

Deno.test("the build of an rpc server is that of the llama-server beside it, through links too", async () => {
  await using programs = await Programs.create();
  await programs.write("build/bin/llama-server", VERSION);
  await Deno.symlink(
    await programs.write("build/bin/rpc-server", "exit 0"),
    join(programs.directory, "rpc-server"),
  );
  const reading = await readRpcServerVersion(join(programs.directory, "rpc-server"));
  equal(reading.ok && reading.version.build, 5432);
});

Deno.test("the build of Debian's rpc server under libexec is that of llama-server in bin", async () => {
  await using programs = await Programs.create();
  await programs.write("usr/bin/llama-server", VERSION);
  const path = await programs.write("usr/libexec/x86_64-linux-gnu/llama/bin/ggml-rpc-server", "exit 0");
  const reading = await readRpcServerVersion(path);
  equal(reading.ok && reading.version.build, 5432);
});

Deno.test("the build of an rpc server in our prefix is read from its record, without running anything", async () => {
  await using programs = await Programs.create();
  const path = await programs.write("bin/ggml-rpc-server", "exit 0");
  await writeInstallation(programs.directory, {
    schema: 1,
    suite: "forky",
    mirror: "http://127.0.0.1/debian",
    architecture: "amd64",
    version: "0.7.0 (build 11669, commit Debian)",
    packages: {},
    createdAt: "2026-11-21T09:00:00.000Z",
  });
  const reading = await readRpcServerVersion(path);
  equal(reading.ok && reading.version.build, 11669);
});

Deno.test("the build of an rpc server that stands alone is unknown", async () => {
  await using programs = await Programs.create();
  const reading = await readRpcServerVersion(await programs.write("rpc-server", "exit 0"));
  ok(!reading.ok);
  match(reading.because, /is unknown: it has no --version and no llama-server beside it/);
});

for (
  const { name, serverHelp, rpcHelp, because } of [
    {
      name: "a llama-server built without rpc",
      serverHelp: "echo --port N",
      rpcHelp: "echo '--port N'",
      because: /has no --rpc/,
    },
    {
      name: "something else in the rpc server's place",
      serverHelp: "echo --rpc S",
      rpcHelp: "echo hello",
      because: /no rpc server/,
    },
    {
      name: "an rpc server that fails",
      serverHelp: "echo --rpc S",
      rpcHelp: "exit 5",
      because: /rpc --help" exited with code 5/,
    },
  ]
) {
  Deno.test(`checkPrograms() tells of ${name}`, async () => {
    await using programs = await Programs.create();
    const llamaServer = await programs.write(
      "server",
      `[ $1 = --help ] && { ${serverHelp}; exit 0; }; ${VERSION}`,
    );
    const rpcServer = await programs.write("rpc", rpcHelp);
    const check = await checkPrograms({ llamaServer, rpcServer });
    ok(!check.ok);
    match(check.because, because);
  });
}
