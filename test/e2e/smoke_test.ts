import { deepEqual, equal, match } from "node:assert/strict";
import { dirname, join } from "node:path";
import metadata from "../../deno.json" with { type: "json" };
import { createRoot } from "../../lib/cli/root.ts";
import { findOnPath } from "../../lib/process/executable.ts";
import { ChatStream } from "./chat.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { NodeBed } from "./node_bed.ts";
import { Program, type ProgramOptions } from "./program.ts";
import { ProgramForms } from "./program_forms.ts";
import { Sandbox } from "./sandbox.ts";
import { findPrograms } from "./with_llama_cpp.ts";

const MODEL = "llama3:8b";
/** `0.1.0`, and in what was built the commit behind it. */
const VERSION = new RegExp(`^${metadata.version.replaceAll(".", "\\.")}( \\([0-9a-f]{7,}(, changed)?\\))?$`);

/** What each form must do. */
const SENTENCES: readonly (readonly [name: string, run: (options: ProgramOptions) => Promise<void>])[] = [
  ["tells its version", async (options) => {
    await using sandbox = await Sandbox.create();
    const { code, stdout } = await Program.run(sandbox, ["--version"], options);
    equal(code, 0);
    match(stdout, /^sollol (.*)\n$/);
    match(/^sollol (.*)\n$/.exec(stdout)![1]!, VERSION);
  }],

  ["has every command in its help", async (options) => {
    await using sandbox = await Sandbox.create();
    const { code, stdout } = await Program.run(sandbox, ["--help"], options);
    equal(code, 0);
    for (const { name } of createRoot().commands) match(stdout, new RegExp(`^ +${name} `, "m"));
  }],

  ["refuses a config that makes no sense, with the place", async (options) => {
    await using sandbox = await Sandbox.create();
    await Deno.writeTextFile(
      `${sandbox.directory}/config.yaml`,
      "listen: 127.0.0.1:0\npool: { idle_ttl: soon }\n",
    );
    const { code, stderr } = await Program.run(sandbox, ["serve", "--config", "config.yaml"], options);
    equal(code, 1);
    match(stderr, /idle_ttl.*config\.yaml, line 2/);
  }],

  ["serves, reads its config again on SIGHUP, and lets a stream end on SIGTERM", async (options) => {
    await using bed = await NodeBed.create([{ tokensPerSecond: 10 }]);
    await using gateway = await bed.serve({}, options);
    await gateway.untilUp(["alpha"]);
    const { version } = await (await fetch(`${gateway.url}/health`)).json();
    match(version, VERSION);
    equal(gateway.program.logged("sollol starts")[0]!["version"], version);
    const stream = await ChatStream.open(gateway.url, { model: MODEL, maxTokens: 12 });
    Deno.kill(gateway.program.pid, "SIGHUP");
    await gateway.program.untilLogged("config unchanged");
    gateway.program.signal("SIGTERM");
    await gateway.program.untilLogged("shutting down");
    const { isDone, error } = await stream.rest();
    deepEqual({ isDone, error }, { isDone: true, error: undefined });
    const { code, stderr } = await gateway.program.ended;
    deepEqual({ code, stderr }, { code: 0, stderr: "" });
  }],
];

Deno.test("every form of the program does the same", async (t) => {
  await using forms = await ProgramForms.build();
  const env = { SOLLOL_PORTABLE_DIR: forms.portableDirectory }; // not anew for each sandbox
  for (const { name: form, command } of forms.all) {
    for (const [does, run] of SENTENCES) {
      const name = `${form} ${does}`;
      if ("skip" in command) {
        await t.step({ name: `${name} (skipped: ${command.skip})`, ignore: true, fn: () => {} });
      } else {
        await t.step(name, () => run({ form: command, env }));
      }
    }
  }
  const llamaCpp = await findPrograms();
  const skip = typeof llamaCpp === "string"
    ? llamaCpp
    : forms.portable
    ? ""
    : "there is none for this system";
  await t.step({
    name: `the portable file shows its demo where neither Deno nor Node is found${
      skip && ` (skipped: ${skip})`
    }`,
    ignore: skip !== "",
    fn: () => showDemo(forms.portable!, dirname((llamaCpp as RealPrograms).llamaServer), env),
  });
});

const DEMO = ["demo", "--once", "--json", "--listen", "127.0.0.1:0"];
/** What the portable file calls, and what starts llama.cpp. */
const TOOLS = "sh id uname tail gzip tar mkdir mv rm rmdir chmod sync ls setpriv readlink dirname".split(" ");

async function showDemo(portable: string, llamaCpp: string, env: Record<string, string>): Promise<void> {
  await using sandbox = await Sandbox.create();
  const tools = join(sandbox.directory, "tools");
  await Deno.mkdir(tools);
  for (const tool of TOOLS) {
    const path = await findOnPath(tool, Deno.env.get("PATH"));
    if (path !== undefined) await Deno.symlink(path, join(tools, tool));
  }
  const { code, stdout, stderr } = await Program.run(sandbox, DEMO, {
    form: [portable],
    env: { ...env, PATH: `${tools}:${llamaCpp}` },
  });
  equal(code, 0, stderr);
  equal(JSON.parse(stdout).placement.length, 3);
  await sandbox.assertEmpty();
}
