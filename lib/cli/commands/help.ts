import { type Command, defineCommand } from "../command.ts";
import { renderHelp } from "../help.ts";
import { findPath } from "../parse.ts";
import { painter } from "../terminal.ts";

/** `sollol help`: the same as `--help` behind the command. */
export const helpCommand: Command = defineCommand({
  name: "help",
  summary: "Show the help of a command.",
  positionals: [{ name: "COMMAND", optional: true, multiple: true }],
  examples: ["help probe"],
  run({ root, args, stdout, env }) {
    const paint = painter(stdout, env);
    stdout.write(renderHelp(findPath(root, args), { paint, columns: stdout.columns }));
    return Promise.resolve(0);
  },
});
