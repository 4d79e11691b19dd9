import { equal, ok } from "node:assert/strict";
import { type CommandGroup, type CommandNode, defineCommand, isGroup } from "../../../lib/cli/command.ts";
import { renderHelp } from "../../../lib/cli/help.ts";
import { createRoot } from "../../../lib/cli/root.ts";
import { type Paint } from "../../../lib/cli/terminal.ts";

const plain: Paint = (_role, text) => text;
const probe = defineCommand({
  name: "probe",
  summary: "Ask things.",
  details:
    "Asks each of the things that are named, one after the other, and waits for what they have to say to it.\n\nEnds.",
  positionals: [{ name: "HOST", optional: true, multiple: true }],
  options: {
    timeout: {
      type: "string",
      value: "DURATION",
      description: "Longest wait for an answer, before it is given up.",
    },
    level: {
      type: "string",
      short: "l",
      choices: ["low", "high"],
      description: "How loud.",
      heading: "Sound",
    },
    echo: { type: "boolean", negatable: true, description: "Whether it echoes.", heading: "Sound" },
    json: { type: "boolean", description: "Print JSON." },
  },
  examples: ["probe a --json"],
  run: () => Promise.resolve(0),
});
const root: CommandGroup = { name: "prog", summary: "Does things.", version: "1", commands: [probe] };

Deno.test("renderHelp() shows a command with options by heading, aligned and wrapped", () => {
  equal(
    renderHelp([root, probe], { paint: plain, columns: 60 }),
    `Usage: prog probe [OPTIONS] [HOST…]

Asks each of the things that are named, one after the other,
and waits for what they have to say to it.

Ends.

Options:
  --timeout DURATION  Longest wait for an answer, before it
                      is given up.
  --json              Print JSON.
  -h, --help          Show this help and end.

Sound:
  -l, --level VALUE  How loud. One of low, high.
  --[no-]echo        Whether it echoes.

Examples:
  prog probe a --json
`,
  );
});

Deno.test("renderHelp() shows the root with its commands", () => {
  equal(
    renderHelp([root], { paint: plain, columns: 80 }),
    `Usage: prog COMMAND

Does things.

Commands:
  probe  Ask things.

Options:
  -h, --help     Show this help and end.
  -V, --version  Show the version and end.
`,
  );
});

Deno.test("renderHelp() aligns by what is seen, not by the codes of colours", () => {
  const painted = renderHelp([root, probe], { paint: (role, text) => `<${role}>${text}</>`, columns: 80 });
  equal(painted.replaceAll(/<[a-z/]*>/g, ""), renderHelp([root, probe], { paint: plain, columns: 80 }));
  ok(painted.includes("<heading>Options:</>") && painted.includes("<name>--json</>"));
});

function* paths(path: readonly CommandNode[]): Generator<readonly CommandNode[]> {
  yield path;
  const node = path.at(-1)!;
  if (isGroup(node)) { for (const child of node.commands) yield* paths([...path, child]); }
}

Deno.test("the help of every command fits the terminal, names each option and ends each sentence", () => {
  for (const path of paths([createRoot()])) {
    for (const columns of [80, 100, 200]) {
      const help = renderHelp(path, { paint: plain, columns });
      const widest = help.split("\n").toSorted((a, b) => b.length - a.length)[0]!;
      ok(widest.length <= Math.min(columns, 100), widest);
    }
    const node = path.at(-1)!;
    ok(/^[A-Z].*\.$/.test(node.summary), node.summary);
    if (isGroup(node)) continue;
    for (const [name, { description, type, value }] of Object.entries(node.options ?? {})) {
      ok(/^[A-Za-z].*\.$/.test(description), `${node.name} --${name}: ${description}`);
      ok(type === "boolean" || value, `${node.name} --${name} has no name for its value`);
    }
    const command = path.slice(1).map(({ name }) => name).join(" ");
    for (const example of node.examples ?? []) ok(`${example} `.startsWith(`${command} `), example);
  }
});
