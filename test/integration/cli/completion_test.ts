import { equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { findOnPath } from "../../../lib/process/executable.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = typeof SHELLS[number];

/** Prints what the shell would offer for the words, the last of which is being typed; one a line. */
const ASK: Readonly<Record<Shell, (script: string, words: readonly string[]) => readonly string[]>> = {
  bash: (script, words) => [
    "--norc",
    "-c",
    `compopt() { :; }; source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sollol; printf '%s\\n' "\${COMPREPLY[@]}"`,
    script,
    ...words,
  ],
  zsh: (script, words) => [
    "-f",
    "-c",
    `compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { print -l -- *(N); }; _message() { :; }
     _describe() { local entry; for entry in "\${(@P)2}"; do print -r -- "\${entry%%:*}"; done; }
     words=("\${@[2,-1]}"); CURRENT=$#words; source "$1"; _sollol | grep -F -- "$words[-1]"`,
    "zsh",
    script,
    ...words,
  ],
  fish: (script, words) => [
    "--no-config",
    "-c",
    `source ${script}; complete -C ${
      JSON.stringify(words.map((word) => word.replaceAll(" ", "\\ ")).join(" "))
    } | string split -f1 \\t`,
  ],
};

const CASES: readonly (readonly [words: readonly string[], offered: readonly string[]])[] = [
  [["sollol", "wor"], ["worker"]],
  [["sollol", "conf"], ["config"]],
  [["sollol", "config", "sh"], ["show"]],
  [["sollol", "systemd", "worker", "in"], ["install"]],
  [["sollol", "systemd", "gateway", "--user", "unin"], ["uninstall"]],
  [["sollol", "worker", "--per-d"], ["--per-device"]],
  [["sollol", "config", "check", "--no-task"], ["--no-task-distribution"]],
  [["sollol", "worker", "--log-level", "de"], ["debug"]],
  [["sollol", "worker", "--drain", "4s", "--log-form"], ["--log-format"]],
  [["sollol", "worker", "--config", "./a fi"], ["./a file.yaml"]],
];

async function script(shell: Shell): Promise<string> {
  const host = new FakeCliHost();
  await runCli(createRoot(), ["completion", shell], host);
  return host.stdout.text;
}

for (const shell of SHELLS) {
  const program = await findOnPath(shell, Deno.env.get("PATH"));
  const why = program === undefined ? ` (skipped: there is no ${shell} here)` : "";
  const name = `${shell} completes commands, options and their values${why}`;
  Deno.test({ name, ignore: program === undefined }, async () => {
    const directory = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(join(directory, "a file.yaml"), "");
      const path = join(directory, "script");
      await Deno.writeTextFile(path, await script(shell));
      const isFishOrBash = shell !== "zsh"; // what zsh does with files is its own
      for (const [words, offered] of CASES.filter(([words]) => isFishOrBash || !words.includes("--config"))) {
        const answer = await ask(program!, ASK[shell](path, words), directory);
        const isOffered = (word: string) => answer.some((line) => line.replaceAll("\\", "") === word);
        ok(offered.every(isOffered), `${words.join(" ")}: ${answer}`);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

Deno.test("there is a completion for three shells, and no other", async () => {
  const host = new FakeCliHost();
  equal(await runCli(createRoot(), ["completion", "tcsh"], host), 2);
  match(host.stderr.text, /SHELL must be one of bash, zsh, fish, got "tcsh"/);
});

async function ask(program: string, args: readonly string[], cwd: string): Promise<readonly string[]> {
  const { stdout, stderr } = await new Deno.Command(program, { args: [...args], cwd, stdin: "null" })
    .output();
  const errors = new TextDecoder().decode(stderr);
  equal(errors, "");
  return new TextDecoder().decode(stdout).split("\n");
}
