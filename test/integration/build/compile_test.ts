import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import metadata from "../../../deno.json" with { type: "json" };
import { bundle } from "../../build/bundle.ts";
import { compile, CompileError } from "../../build/compile.ts";
import { bundledPackages, collectLicences } from "../../build/licences.ts";
import { minify } from "../../build/minify.ts";
import { PROJECT_DIRECTORY } from "../../build/project.ts";
import { run } from "../../build/run.ts";

/** Any executable will do where what is compiled is not run. */
const SOME_EXECUTABLE = "/bin/true";
/** The bundle is 1.5 MB; a package that was meant for tests alone shows. */
const MOST_BYTES = 2_000_000;
/** Where packages come from. */
const DENO_DIRECTORY: string = JSON.parse(await run(Deno.execPath(), ["info", "--json"])).denoDir;
/** What is looked for here is in an ELF file. */
const isElf = Deno.build.os === "linux";

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "sollol-compile-test-" });
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** What Deno wrote into an executable: its settings, and the files within. */
function readCompiled(executable: Uint8Array): { settings: Settings; files: { File?: { n: string } }[] } {
  const text = new TextDecoder("latin1").decode(executable);
  const at = text.search(/d3n0l4nd.{3}\0{5}\{/s) + 8; // a magic word, the length, and JSON
  const length = Number(new DataView(executable.buffer, at).getBigUint64(0, true));
  const end = at + 8 + length;
  const files = /\[\{"File".*?\}\]/s.exec(text.slice(end));
  return { settings: JSON.parse(text.slice(at + 8, end)), files: JSON.parse(files![0]) };
}

interface Settings {
  readonly permissions: Readonly<Record<string, unknown>>;
  readonly unstable_config: { readonly features: string[] };
  readonly entrypoint_key: string;
  readonly app_name: string;
}

Deno.test({
  name: "what is compiled holds the bundle alone, with its permissions and features",
  ignore: !isElf,
  fn: () =>
    inDirectory(async (directory) => {
      const bundled = await bundle(directory);
      const path = join(directory, "sollol");
      await compile(bundled, path, { target: Deno.build.target, denort: SOME_EXECUTABLE });
      const executable = await Deno.readFile(path);
      const { settings, files } = readCompiled(executable);
      deepEqual(files.map(({ File }) => File?.n), ["sollol.js"]);
      deepEqual([settings.entrypoint_key, settings.app_name], ["sollol.js", "sollol"]);
      deepEqual(settings.unstable_config.features.sort(), ["net", "no-legacy-abort"]);
      const { prompt, ...permissions } = settings.permissions;
      equal(prompt, false);
      for (const name of ["net", "read", "write", "env", "run", "sys", "ffi", "import"]) {
        deepEqual([permissions[`allow_${name}`], permissions[`deny_${name}`]], [[], null], name);
      }
      ok(executable.length < MOST_BYTES, `${executable.length} bytes`);
      const text = new TextDecoder("latin1").decode(executable);
      for (const path of [PROJECT_DIRECTORY, directory, DENO_DIRECTORY]) {
        ok(!text.includes(path), `it names ${path}`);
      }
      for (const word of ["langchain", "fast-check", "test/fakes", "deno run --allow-all"]) {
        ok(!text.includes(word), `it holds ${word}`);
      }
    }),
});

Deno.test("where Deno's runtime cannot be had, nothing is left, and the reason and both ways out are told", () =>
  inDirectory(async (directory) => {
    const bundled = join(directory, "sollol.js");
    await Deno.writeTextFile(bundled, "export {};");
    const path = join(directory, "sollol");
    const compiling = compile(bundled, path, { target: Deno.build.target, denort: "/nowhere/denort" });
    await rejects(compiling, (error) => {
      ok(error instanceof CompileError);
      match(error.message, /denort \d.*cannot be taken from \/nowhere\/denort/);
      match(error.message, /DENORT_BIN.*deno task portable/);
      return true;
    });
    deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["sollol.js"]);
  }));

Deno.test("what is declared by `using` is still disposed once it is minified", () =>
  inDirectory(async (directory) => {
    const [from, to] = [join(directory, "long.js"), join(directory, "short.js")];
    await Deno.writeTextFile(
      from,
      `let isOpen = false;
       const open = () => { isOpen = true; return { port: 1, [Symbol.dispose]() { isOpen = false; } }; };
       function freePort() { using listener = open(); return listener.port; }
       console.log(freePort(), isOpen, /[µμ]/.test("μ"));`,
    );
    await minify(from, to);
    equal(await run(Deno.execPath(), ["run", to]), "1 false true\n");
    match(await Deno.readTextFile(to), /^[\0-\x7f]*$/);
  }));

Deno.test("the licence of every package in the bundle is shipped", async () => {
  const names = (await bundledPackages()).map(({ name }) => name);
  const direct = Object.keys(metadata.imports);
  for (const name of ["hono", "zod", "yaml"]) ok(names.includes(name), `${names}`);
  ok(!names.includes("openai") && direct.includes("openai"), "what only tests import is not in the program");
  const licences = await collectLicences("the licence of Deno");
  for (const name of [...names, "sollol", "Deno"]) match(licences, new RegExp(`^${name}( \\d.*)?$`, "m"));
  equal(licences.includes("the licence of Deno"), true);
});
