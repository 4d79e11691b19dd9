import { doesNotMatch, equal, match } from "node:assert/strict";
import { dirname } from "node:path";
import { Program, type ProgramOptions } from "./program.ts";
import { Sandbox } from "./sandbox.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** The spinner may move the cursor all the same. */
const COLOUR = new RegExp(`${"\x1b"}\\[[\\d;]*m`);

/** util-linux' script gives the program a terminal for all three streams, and copies what it writes there. */
const TERMINAL: ProgramOptions["through"] = [
  "sh",
  "-c",
  'exec script -qec "$(printf "\'%s\' " "$@")" /dev/null',
  "sh",
];
const hasTerminal = await new Deno.Command("script", { args: ["--version"] }).output().then(
  ({ success }) => success,
  () => false,
);

test(
  "the demo on a terminal is in colour, and without any where NO_COLOR is set",
  async ({ llamaServer }) => {
    await using sandbox = await Sandbox.create([dirname(llamaServer)]);
    const demo = ["demo", "--once", "--listen", "127.0.0.1:0"];
    const [coloured, plain] = await Promise.all([
      Program.run(sandbox, demo, { through: TERMINAL }),
      Program.run(sandbox, demo, { through: TERMINAL, env: { NO_COLOR: "1" } }),
    ]);
    match(plain.stdout, /Where the layers are/);
    match(coloured.stdout, COLOUR);
    doesNotMatch(plain.stdout, COLOUR);
    equal(plain.code, 0);
    await sandbox.assertEmpty();
  },
  { skip: hasTerminal ? undefined : "no script of util-linux" },
);
