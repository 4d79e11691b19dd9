import { type Command, defineCommand } from "../command.ts";
import { bashCompletion } from "../completion/bash.ts";
import { fishCompletion } from "../completion/fish.ts";
import { placesOf } from "../completion/places.ts";
import { zshCompletion } from "../completion/zsh.ts";

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** `sollol completion`: what shells need to complete its commands and options. */
export const completionCommand: Command = defineCommand({
  name: "completion",
  summary: "Print a script that completes commands in bash, zsh or fish.",
  details: "Prints a script for a shell that completes commands, options and their values.\n\n" +
    "bash: put it into /etc/bash_completion.d/, or source it in ~/.bashrc. zsh: a file _sollol in $fpath. " +
    "fish: ~/.config/fish/completions/sollol.fish.",
  positionals: [{ name: "SHELL", choices: Object.keys(SHELLS) }],
  examples: [
    "completion bash > /etc/bash_completion.d/sollol",
    "completion zsh > /usr/local/share/zsh/site-functions/_sollol",
    "completion fish > ~/.config/fish/completions/sollol.fish",
  ],
  run({ args, root, stdout }) {
    const shell = args[0] as keyof typeof SHELLS; // safe: it is checked
    stdout.write(SHELLS[shell](root.name, placesOf(root)));
    return Promise.resolve(0);
  },
});
