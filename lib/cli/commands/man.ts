import { type Command, defineCommand } from "../command.ts";
import { manPage } from "../man_page.ts";

/** `sollol man`: the manual, for `man`. */
export const manCommand: Command = defineCommand({
  name: "man",
  summary: "Print the manual page.",
  examples: ["man | man -l -", "man | gzip > /usr/local/share/man/man1/sollol.1.gz"],
  run({ root, stdout }) {
    stdout.write(manPage(root));
    return Promise.resolve(0);
  },
});
