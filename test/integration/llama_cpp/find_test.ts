import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { join } from "node:path";
import { GatewayError } from "../../../lib/errors.ts";
import { findLlamaCpp, type FindOptions, requireProgram } from "../../../lib/llama_cpp/find.ts";

const LIBEXEC = `usr/libexec/${Deno.build.arch}-linux-gnu/llama/bin`;

/** Makes executable files in a directory that stands for `/`. */
class FakeRoot implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async create(files: readonly string[] = []): Promise<FakeRoot> {
    const root = new FakeRoot(await Deno.makeTempDir({ prefix: "find_" }));
    for (const file of files) await root.add(file);
    return root;
  }

  async add(file: string, mode = 0o755): Promise<void> {
    await Deno.mkdir(join(this.path, file, ".."), { recursive: true });
    await Deno.writeTextFile(join(this.path, file), "#!/bin/sh\n", { mode });
  }

  find(options: Partial<FindOptions> = {}): ReturnType<typeof findLlamaCpp> {
    const env = { PATH: `relative:${this.path}/usr/bin::${this.path}/bin` };
    return findLlamaCpp({ root: this.path, prefix: join(this.path, "prefix"), env, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

for (
  const { name, files, want } of [
    {
      name: "our own prefix before PATH",
      files: ["prefix/bin/ggml-rpc-server", "usr/bin/ggml-rpc-server"],
      want: { path: "prefix/bin/ggml-rpc-server", foundBy: "prefix" },
    },
    {
      name: "our own prefix before the host's",
      files: ["prefix/bin/ggml-rpc-server", "opt/sollol/llama.cpp/bin/ggml-rpc-server"],
      want: { path: "prefix/bin/ggml-rpc-server", foundBy: "prefix" },
    },
    {
      name: "the host's prefix before PATH",
      files: ["opt/sollol/llama.cpp/bin/ggml-rpc-server", "usr/bin/ggml-rpc-server"],
      want: { path: "opt/sollol/llama.cpp/bin/ggml-rpc-server", foundBy: "prefix" },
    },
    {
      name: "PATH, in its order, before Debian's libexec",
      files: ["bin/ggml-rpc-server", "usr/bin/ggml-rpc-server", `${LIBEXEC}/ggml-rpc-server`],
      want: { path: "usr/bin/ggml-rpc-server", foundBy: "path" },
    },
    {
      name: "Debian's libexec, which is in nobody's PATH",
      files: [`${LIBEXEC}/ggml-rpc-server`, "usr/local/bin/ggml-rpc-server"],
      want: { path: `${LIBEXEC}/ggml-rpc-server`, foundBy: "libexec" },
    },
    {
      name: "the places that people install to",
      files: ["opt/llama.cpp/bin/rpc-server"],
      want: { path: "opt/llama.cpp/bin/rpc-server", foundBy: "convention" },
    },
    {
      name: "the newest name in one place",
      files: ["usr/bin/llama-rpc-server", "usr/bin/rpc-server", "usr/bin/ggml-rpc-server"],
      want: { path: "usr/bin/ggml-rpc-server", foundBy: "path" },
    },
  ] as const
) {
  Deno.test(`findLlamaCpp() finds the rpc server by ${name}`, async () => {
    await using root = await FakeRoot.create(files);
    const { rpcServer } = await root.find();
    deepEqual(rpcServer, { found: true, path: join(root.path, want.path), foundBy: want.foundBy });
  });
}

Deno.test("findLlamaCpp() passes over directories and files that cannot be executed", async () => {
  await using root = await FakeRoot.create(["usr/bin/llama-server/x", "usr/local/bin/llama-server"]);
  await root.add("bin/llama-server", 0o644);
  const { llamaServer } = await root.find();
  ok(llamaServer.found);
  equal(llamaServer.foundBy, "convention");
});

Deno.test("a missing llama-server is a value that names each place and the cure, and throws when it is needed", async () => {
  await using root = await FakeRoot.create();
  const { llamaServer } = await root.find();
  ok(!llamaServer.found);
  const { path } = root;
  equal(
    llamaServer.because,
    `llama-server was not found (looked in ${path}/prefix/bin, ${path}/opt/sollol/llama.cpp/bin, ${path}/usr/bin, ` +
      `${path}/bin, ${path}/${LIBEXEC}, ${path}/usr/local/bin, ${path}/opt/llama.cpp/bin); run "sollol setup" or set llama_cpp.llama_server`,
  );
  throws(() => requireProgram(llamaServer), new GatewayError("backend_unreachable", llamaServer.because));
});

Deno.test("a configured path is taken before all others, and a bare name is looked for in PATH", async () => {
  await using root = await FakeRoot.create([
    "prefix/bin/llama-server",
    "build/llama-server",
    "usr/bin/llama-cuda",
  ]);
  const byPath = await root.find({ llamaServer: join(root.path, "build/llama-server") });
  deepEqual(byPath.llamaServer, {
    found: true,
    path: join(root.path, "build/llama-server"),
    foundBy: "config",
  });
  equal(requireProgram(byPath.llamaServer), join(root.path, "build/llama-server"));
  const byName = await root.find({ llamaServer: "llama-cuda" });
  deepEqual(byName.llamaServer, {
    found: true,
    path: join(root.path, "usr/bin/llama-cuda"),
    foundBy: "config",
  });
});

Deno.test("a configured path that is wrong is told and not replaced by another find", async () => {
  await using root = await FakeRoot.create(["prefix/bin/llama-server", "prefix/bin/ggml-rpc-server"]);
  await root.add("notes.txt", 0o644);
  const { llamaServer, rpcServer } = await root.find({
    llamaServer: join(root.path, "notes.txt"),
    rpcServer: "rpc-of-mine",
  });
  ok(!llamaServer.found && !rpcServer.found);
  match(
    llamaServer.because,
    /llama_cpp\.llama_server is ".*notes\.txt", which is not an executable file; correct it/,
  );
  match(rpcServer.because, /llama_cpp\.rpc_server is "rpc-of-mine", which does not exist; correct it/);
});
