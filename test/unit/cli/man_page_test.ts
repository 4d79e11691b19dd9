import { equal, match, ok } from "node:assert/strict";
import { type CommandGroup, defineCommand } from "../../../lib/cli/command.ts";
import { manPage } from "../../../lib/cli/man_page.ts";

const echo = defineCommand({
  name: "echo",
  summary: "Say it again.",
  details: "Says it.\n\n.hidden lines are shown, 'quoted' and back\\slashed ones too.",
  positionals: [{ name: "WORD", multiple: true }],
  options: {
    volume: {
      type: "string",
      short: "v",
      value: "LEVEL",
      description: "How loud.",
      choices: ["low", "high"],
    },
  },
  examples: ["echo --volume low"],
  run: () => Promise.resolve(0),
});
const root: CommandGroup = {
  name: "prog",
  summary: "Does things.",
  version: "1.2",
  commands: [{ name: "deep", summary: "Below.", commands: [echo] }],
};

Deno.test("the manual page has every command with its options and examples, and no text of it steers roff", () => {
  const page = manPage(root);
  match(page, /^\.TH PROG 1 "" "prog 1\.2" "User Commands"$/m);
  match(page, /^\.SS prog deep echo \[OPTIONS\] WORD\.\.\.$/m);
  match(page, /^\.B \\-v, \\-\\-volume LEVEL\nHow loud\. One of low, high\.$/m);
  match(page, /^\\&\.hidden lines are shown, 'quoted' and back\\eslashed ones too\.$/m);
  match(page, /^prog echo \\-\\-volume low$/m);
});

Deno.test("every order in it is one that the man macros know", () => {
  const orders = manPage(root).split("\n").filter((line) => line.startsWith(".")).map((line) =>
    line.split(" ")[0]!
  );
  const known = [".TH", ".SH", ".SS", ".TP", ".B", ".PP", ".nf", ".fi", ".RS", ".RE"];
  equal(orders.find((order) => !known.includes(order)), undefined);
  ok(orders.length > 20);
});
