import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { writeInstallation } from "../../../lib/llama_cpp/installation.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";

const VERSION_TEXT = "0.7.0 (build 11669, commit Debian)";

/** A prefix as `sollol setup` leaves it, with shell scripts for programs; removed at the end of its block. */
async function fakePrefix() {
  const prefix = await Deno.makeTempDir();
  await Deno.mkdir(join(prefix, "bin"));
  const script = (option: string) =>
    `#!/bin/sh\n[ "$1" = --version ] && echo "version: ${VERSION_TEXT}" >&2\n[ "$1" = --help ] && echo "${option} X"\nexit 0\n`;
  for (const [name, option] of [["llama-server", "--rpc"], ["ggml-rpc-server", "--port"]] as const) {
    await Deno.writeTextFile(join(prefix, "bin", name), script(option), { mode: 0o755 });
  }
  await writeInstallation(prefix, {
    schema: 1,
    suite: "forky",
    mirror: "http://mirror.invalid/debian",
    architecture: "amd64",
    version: VERSION_TEXT,
    packages: { "llama.cpp-tools": "1.0" },
    createdAt: "2026-01-01T00:00:00.000Z",
  });
  return { prefix, [Symbol.asyncDispose]: () => Deno.remove(prefix, { recursive: true }) };
}

async function sollol(args: string[], env: Record<string, string> = {}) {
  const host = new FakeCliHost({ env });
  const exitCode = await runCli(createRoot(), args, host);
  return { exitCode, host };
}

Deno.test("sollol version tells the versions of the programs that it would run", async () => {
  await using installed = await fakePrefix();
  const { exitCode, host } = await sollol([
    "version",
    "--json",
    "--set",
    `llama_cpp.prefix=${installed.prefix}`,
  ]);
  equal(exitCode, 0, host.stderr.text);
  const { sollol: own, deno, v8, platform, llamaServer, rpcServer } = host.json() as Record<string, unknown>;
  match(String(own), /^\d+\.\d+\.\d+$/);
  deepEqual([deno, v8, platform], [
    Deno.version.deno,
    Deno.version.v8,
    `${Deno.build.os} ${Deno.build.arch}`,
  ]);
  const path = (name: string) => join(installed.prefix, "bin", name);
  const known = { version: VERSION_TEXT, build: 11_669, because: null };
  deepEqual(llamaServer, { path: path("llama-server"), ...known });
  deepEqual(rpcServer, { path: path("ggml-rpc-server"), ...known });
});

Deno.test("sollol version tells why a program cannot be used, and works with a config that is broken", async () => {
  const { exitCode, host } = await sollol(["version"], { SOLLOL_LISTEN: "nowhere", PATH: "/nonexistent" });
  equal(exitCode, 0);
  match(host.stderr.text, /^sollol: warning: Cannot use the configuration: listen: "nowhere"/);
  match(host.stdout.text, /^deno +\d/m);
  const configured = await sollol(["version"], {
    SOLLOL_LLAMA_CPP_LLAMA_SERVER: "/nonexistent/llama-server",
  });
  match(configured.host.stdout.text, /^llama-server +not found$/m);
  match(
    configured.host.stdout.text,
    /^llama-server cannot be used: llama_cpp\.llama_server is .*does not exist/m,
  );
});

Deno.test("sollol setup leaves a working installation as it is and says so", async () => {
  await using installed = await fakePrefix();
  const { exitCode, host } = await sollol(["setup", "--prefix", installed.prefix, "--json"]);
  equal(exitCode, 0, host.stderr.text);
  deepEqual(host.json(), {
    prefix: installed.prefix,
    wasInstalled: true,
    version: VERSION_TEXT,
    llamaServer: join(installed.prefix, "bin/llama-server"),
    rpcServer: join(installed.prefix, "bin/ggml-rpc-server"),
    suite: "forky",
    mirror: "http://mirror.invalid/debian",
    architecture: "amd64",
    packages: { "llama.cpp-tools": "1.0" },
  });
  equal(host.stderr.text, `Looking for llama.cpp in ${installed.prefix}\n`);
});

Deno.test("sollol setup installs where the configuration says, unless --prefix is given", async () => {
  await using installed = await fakePrefix();
  const { exitCode, host } = await sollol(["setup"], { SOLLOL_LLAMA_CPP_PREFIX: installed.prefix });
  equal(exitCode, 0, host.stderr.text);
  match(host.stdout.text, /^llama\.cpp +0\.7\.0 \(build 11669, commit Debian\), was already installed$/m);
});

Deno.test("sollol setup refuses a suite that is no name, with a sentence", async () => {
  await using installed = await fakePrefix();
  const { exitCode, host } = await sollol(["setup", "--prefix", installed.prefix, "--suite", "for ky"]);
  equal(exitCode, 1);
  match(host.stderr.text, /^sollol: "for ky" is not a suite of Debian/m);
});

Deno.test("sollol help shows what --help shows", async () => {
  const [help, option] = await Promise.all([sollol(["help", "probe"]), sollol(["probe", "--help"])]);
  equal(help.host.stdout.text, option.host.stdout.text);
  equal((await sollol(["help", "probe", "more"])).exitCode, 2);
});
