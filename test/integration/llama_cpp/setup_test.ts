import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { GatewayError } from "../../../lib/errors.ts";
import { readInstallation, writeInstallation } from "../../../lib/llama_cpp/installation.ts";
import { readRpcProtocol, rpcProtocolOf } from "../../../lib/llama_cpp/rpc_protocol.ts";
import { setupLlamaCpp, type SetupOptions, type SetupProgress } from "../../../lib/llama_cpp/setup.ts";
import { until } from "../../fixtures/until.ts";
import { FakeDebian } from "./fake_debian.ts";

/** A fake host, an empty prefix on it, and setup with both. */
class Bed implements AsyncDisposable {
  private constructor(readonly debian: FakeDebian, readonly prefix: string) {}

  static async create(): Promise<Bed> {
    const debian = await FakeDebian.create();
    return new Bed(debian, join(debian.directory, "opt", "llama cpp"));
  }

  setup(options: Partial<SetupOptions> = {}): ReturnType<typeof setupLlamaCpp> {
    const { debian: { env, sourcesDirectory }, prefix } = this;
    return setupLlamaCpp({ prefix, env, sourcesDirectory, ...options });
  }

  /** Of the rpc server that told its protocol. */
  async rpcServerPid(): Promise<number> {
    const program = "current/root/usr/libexec/x86_64-linux-gnu/llama/bin/ggml-rpc-server";
    return Number(await Deno.readTextFile(join(this.prefix, `${program}.pid`)));
  }

  async files(): Promise<string[]> {
    return (await Array.fromAsync(Deno.readDir(this.prefix), ({ name }) => name)).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.debian[Symbol.asyncDispose]();
  }
}

Deno.test("setup installs, tells each stage in order, and does nothing the second time", async () => {
  await using bed = await Bed.create();
  const progress: SetupProgress[] = [];
  const first = await bed.setup({ onProgress: (step) => progress.push(step) });
  equal(first.wasInstalled, false);
  equal(first.installation.version, "0.7.0 (build 11669, commit Debian)");
  equal(first.installation.packages["llama.cpp-tools"], "1:0.7.0");
  deepEqual(progress.map(({ stage }) => stage), [
    "lists",
    "resolve",
    "download",
    "download",
    "download",
    "unpack",
    "verify",
  ]);
  deepEqual(progress[4], {
    stage: "download",
    name: "libggml0-backend-rpc",
    index: 3,
    packageCount: 3,
    doneBytes: 2000,
    totalBytes: 3000,
  });
  const second = await bed.setup();
  equal(second.wasInstalled, true);
  deepEqual(second.installation, first.installation);
  equal(await bed.debian.countCalls("update"), 1);
});

Deno.test("setup records the rpc protocol, and the rpc server that it asked is gone", async () => {
  await using bed = await Bed.create();
  const { installation, rpcServer } = await bed.setup();
  equal(installation.rpcProtocol, "8.0.0");
  deepEqual(await rpcProtocolOf(rpcServer), { major: 8, minor: 0, patch: 0 });
  equal(await isRunning(await bed.rpcServerPid()), false);
});

Deno.test("setup adds the rpc protocol to the record of an earlier version, and installs nothing", async () => {
  await using bed = await Bed.create();
  const { installation: { rpcProtocol, ...earlier }, llamaServer } = await bed.setup();
  await writeInstallation(join(bed.prefix, "current"), earlier);
  equal(await rpcProtocolOf(llamaServer), undefined);
  const { wasInstalled, installation } = await bed.setup();
  deepEqual([wasInstalled, installation], [true, { ...earlier, rpcProtocol }]);
  deepEqual(await readInstallation(bed.prefix), installation);
});

Deno.test("setup does without the rpc protocol of a server that does not tell it", async () => {
  await using bed = await Bed.create();
  const { rpcServer } = await bed.setup();
  for (const script of ["exit 0", "exec sleep 300", "head -c 100000 /dev/urandom >&2; exit 1"]) {
    await Deno.writeTextFile(rpcServer, `#!/bin/sh\n${script}\n`);
    equal(await readRpcProtocol(rpcServer, { timeoutMs: 100 }), undefined);
  }
  equal(await readRpcProtocol("/nonexistent"), undefined);
  await rejects(readRpcProtocol(rpcServer, { signal: AbortSignal.abort(new Error("enough")) }), {
    message: "enough",
  });
});

Deno.test("setup installs anew when forced, when another suite is asked for, and when a program broke", async () => {
  await using bed = await Bed.create();
  await bed.setup();
  equal((await bed.setup({ force: true })).wasInstalled, false);
  equal((await bed.setup({ suite: "sid" })).installation.suite, "sid");
  equal((await bed.setup()).wasInstalled, true, "any suite will do unless one is named");
  await Deno.remove(join(bed.prefix, "current/root/usr/bin/llama-server"));
  equal((await bed.setup()).wasInstalled, false);
  equal(
    (await bed.files()).filter((name) => name.startsWith("install-")).length,
    1,
    "replaced ones are removed",
  );
});

Deno.test("of two setups at once one installs; the other waits and finds it done", async () => {
  await using bed = await Bed.create();
  const stages: string[] = [];
  const onProgress = ({ stage }: SetupProgress) => stages.push(stage);
  const results = await Promise.all([bed.setup({ onProgress }), bed.setup({ onProgress })]);
  deepEqual(results.map(({ wasInstalled }) => wasInstalled).sort(), [false, true]);
  equal(stages.filter((stage) => stage === "wait").length, 1);
  equal(await bed.debian.countCalls("update"), 1);
});

Deno.test("a setup that waits for another can be interrupted", async () => {
  await using bed = await Bed.create();
  await bed.debian.behave("update hangs");
  const first = new AbortController();
  const second = new AbortController();
  const running = bed.setup({ signal: first.signal, onProgress: () => {} });
  running.catch(() => {});
  while (!(await bed.debian.hangingPids())) await new Promise((resolve) => setTimeout(resolve, 5));
  await rejects(
    bed.setup({ signal: second.signal, onProgress: () => second.abort(new Error("enough")) }),
    { message: "enough" },
  );
  first.abort(new Error("over"));
  await rejects(running, { message: "over" });
});

for (const stage of ["lists", "resolve", "download", "unpack", "verify"] as const) {
  Deno.test(`setup that is interrupted at "${stage}" leaves nothing behind, and the next one works`, async () => {
    await using bed = await Bed.create();
    const controller = new AbortController();
    const interrupted = bed.setup({
      signal: controller.signal,
      onProgress: (step) => step.stage === stage && controller.abort(new Error("interrupted")),
    });
    await rejects(interrupted, { message: "interrupted" });
    deepEqual(await bed.files(), [".lock"]);
    equal((await bed.setup()).wasInstalled, false);
  });
}

Deno.test("setup removes what a killed setup left behind, before it needs the room itself", async () => {
  await using bed = await Bed.create();
  await Deno.mkdir(join(bed.prefix, "install-deadbeef/apt"), { recursive: true });
  await Deno.symlink("install-deadbeef", join(bed.prefix, ".current.new"));
  await bed.debian.behave("update fails");
  await rejects(bed.setup());
  equal((await bed.files()).includes("install-deadbeef"), false);
  await bed.debian.behave("well");
  await bed.setup();
  const names = (await bed.files()).filter((name) => !name.startsWith("install-"));
  deepEqual(names, [".lock", "bin", "current", "sollol.json"]);
});

Deno.test("interrupting setup ends apt-get and its helpers", async () => {
  await using bed = await Bed.create();
  await bed.debian.behave("update hangs");
  const controller = new AbortController();
  const running = bed.setup({ signal: controller.signal });
  running.catch(() => {});
  let pids = await bed.debian.hangingPids();
  for (; !pids; pids = await bed.debian.hangingPids()) await new Promise((resolve) => setTimeout(resolve, 5));
  deepEqual(await Promise.all(pids.map(isRunning)), [true, true]);
  controller.abort(new Error("interrupted"));
  await rejects(running, { message: "interrupted" });
  // What is killed needs a moment to be gone, where the machine has much to do.
  for (const pid of pids) {
    await until(async () => !await isRunning(pid), `${pid} has ended`, { withinMs: 20_000 });
  }
});

for (
  const { behaviour, code, message } of [
    {
      behaviour: "update fails",
      code: "upstream_failed",
      message:
        /"apt-get update" with http:\/\/127.0.0.1\/debian \(suite forky\) failed: .*Connection refused; check the network.*--mirror/,
    },
    {
      behaviour: "update hangs",
      code: "upstream_timeout",
      message: /"apt-get update" .* did not end in 300 ms; check/,
    },
    { behaviour: "disk is full", code: "invalid_request", message: /the disk is full.*MiB.*--prefix/ },
    { behaviour: "no rpc backend", code: "upstream_failed", message: /has no --rpc/ },
  ] as const
) {
  Deno.test(`setup tells what went wrong ("${behaviour}") and keeps the installation that worked`, async () => {
    await using bed = await Bed.create();
    await bed.setup();
    await bed.debian.behave(behaviour);
    await rejects(
      bed.setup({ force: true, stepTimeoutMs: behaviour === "update hangs" ? 300 : 30_000 }),
      (error) => {
        ok(error instanceof GatewayError);
        equal(error.code, code);
        match(error.message, message);
        return true;
      },
    );
    equal((await bed.setup()).wasInstalled, true);
  });
}

for (
  const { name, message, options = {}, arrange } of [
    {
      name: "a host without apt-get",
      options: { env: { PATH: "/nonexistent" } },
      message: /no apt-get.*apt install llama\.cpp-tools .*-DGGML_RPC=ON.*llama_cpp\.llama_server/,
    },
    {
      name: "another architecture",
      arrange: (bed: Bed) =>
        Deno.writeTextFile(join(bed.debian.directory, "dpkg"), "#!/bin/sh\necho riscv64\n"),
      message: /amd64 and arm64, this host is riscv64.*-DGGML_RPC=ON/,
    },
    {
      name: "a host whose sources name no Debian",
      arrange: (bed: Bed) => bed.debian.behave("prints garbage"),
      message: /names no mirror of Debian.*--mirror/,
    },
    {
      name: "an apt-get that prints garbage",
      arrange: (bed: Bed) => bed.debian.behave("prints garbage"),
      options: { mirror: "http://127.0.0.1/debian" },
      message: /does not know how to fetch llama\.cpp-tools/,
    },
    {
      name: "a mirror that is no address",
      options: { mirror: "m sid main\ndeb x" },
      message: /not the address/,
    },
    { name: "a suite that is no word", options: { suite: "forky main\ndeb" }, message: /not a suite/ },
    { name: "a relative prefix", options: { prefix: "llama" }, message: /absolute path/ },
    { name: "a prefix that ld.so would split", options: { prefix: "/tmp/a:b" }, message: /colons/ },
    {
      name: "a directory that belongs to something else",
      arrange: (bed: Bed) => Deno.mkdir(join(bed.prefix, "bin"), { recursive: true }),
      message: /its "bin" is not from sollol setup; choose an empty directory/,
    },
    {
      name: "a directory with a folder that only resembles ours",
      arrange: (bed: Bed) => Deno.mkdir(join(bed.prefix, "install-scripts"), { recursive: true }),
      message: /its "install-scripts" is not from sollol setup/,
    },
    {
      name: "the root directory",
      options: { prefix: "/" },
      message: /into "\/": its "[^"]+" is not from sollol setup/,
    },
    {
      name: "a file in the place of the prefix",
      arrange: async (bed: Bed) => {
        await Deno.mkdir(join(bed.prefix, ".."));
        await Deno.writeTextFile(bed.prefix, "");
      },
      message: /--prefix/,
    },
    {
      name: "a prefix that cannot be made",
      options: { prefix: "/proc/llama" },
      message: /"\/proc\/llama".*--prefix/,
    },
  ] as {
    name: string;
    message: RegExp;
    options?: Partial<SetupOptions>;
    arrange?: (bed: Bed) => Promise<void>;
  }[]
) {
  Deno.test(`setup refuses ${name} by a sentence with the cure`, async () => {
    await using bed = await Bed.create();
    await arrange?.(bed);
    await rejects(bed.setup(options), (error) => {
      ok(error instanceof GatewayError, String(error));
      match(error.message, message);
      return true;
    });
  });
}

Deno.test("setup takes the mirror from the source files of a host that has fetched no lists yet", async () => {
  await using bed = await Bed.create();
  const apt = join(bed.debian.directory, "apt-get");
  const script = await Deno.readTextFile(apt);
  await Deno.writeTextFile(apt, script.replace("*indextargets*)", "*indextargets*) exit 0 ;;\nnever)"));
  const parts = join(bed.debian.sourcesDirectory, "sources.list.d");
  await Deno.mkdir(parts, { recursive: true });
  await Deno.writeTextFile(
    join(parts, "debian.sources"),
    "Types: deb\nURIs: http://127.0.0.2/debian\nSuites: x\n",
  );
  equal((await bed.setup()).installation.mirror, "http://127.0.0.2/debian");
});

/** A zombie has ended, whoever is to bury it. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  return stat !== "" && !/\) Z /.test(stat);
}
