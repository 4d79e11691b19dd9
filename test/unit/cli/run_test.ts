import { deepEqual, equal, match } from "node:assert/strict";
import { type CommandGroup, defineCommand, type ExitCode, UsageError } from "../../../lib/cli/command.ts";
import { JSON_OPTION } from "../../../lib/cli/output.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { ConfigError } from "../../../lib/config/config_error.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";

/** A program with the one command `do`, which does this. */
function programOf(run: () => Promise<ExitCode>): CommandGroup {
  const command = defineCommand({ name: "do", summary: "Do it.", options: JSON_OPTION, run });
  return { name: "prog", summary: "It.", version: "1.2.3", commands: [command] };
}

const problem = (message: string) => ({ path: undefined, message, source: undefined });

for (
  const { name, error, exitCode, code, message } of [
    {
      name: "a failure that we understand",
      error: new GatewayError("model_not_found", "No such model"),
      exitCode: 1,
      code: "model_not_found",
      message: "No such model",
    },
    {
      name: "a wrong argument",
      error: new UsageError("HOST is odd"),
      exitCode: 2,
      code: "invalid_usage",
      message: "HOST is odd",
    },
    {
      name: "a wrong config",
      error: new ConfigError([problem("a is wrong"), problem("b is wrong")]),
      exitCode: 1,
      code: "invalid_config",
      message: "Cannot use the configuration, 2 problems:\n  a is wrong\n  b is wrong",
    },
    {
      name: "a message that would steer the terminal",
      error: new GatewayError("conflict", "a\x1b[2J"),
      exitCode: 1,
      code: "conflict",
      message: "a\x1b[2J",
    },
  ]
) {
  Deno.test(`runCli() tells ${name} on stderr and ends with ${exitCode}`, async () => {
    const host = new FakeCliHost();
    equal(await runCli(programOf(() => Promise.reject(error)), ["do"], host), exitCode);
    equal(host.stdout.text, "");
    equal(host.stderr.text, `prog: ${message.replace("\x1b", "\u{fffd}")}\n`);
  });

  Deno.test(`runCli() tells ${name} as JSON too if that was asked for`, async () => {
    const host = new FakeCliHost();
    equal(await runCli(programOf(() => Promise.reject(error)), ["do", "--json"], host), exitCode);
    deepEqual(host.json(), { error: { code, message } });
    match(host.stderr.text, /^prog: /);
  });
}

Deno.test("runCli() tells a mistake of ours with its stack", async () => {
  const host = new FakeCliHost();
  equal(await runCli(programOf(() => Promise.reject(new TypeError("oops"))), ["do"], host), 1);
  match(host.stderr.text, /^prog: Internal error, please report it: TypeError: oops\n {4}at /);
});

Deno.test("runCli() ends with 130 when a command was interrupted, whatever it threw", async () => {
  const signal = AbortSignal.abort(new DOMException("Stopped by SIGINT", "AbortError"));
  const host = new FakeCliHost({ signal });
  equal(await runCli(programOf(() => Promise.reject(signal.reason)), ["do"], host), 130);
  equal(host.stderr.text, "prog: Interrupted\n");
});

Deno.test("runCli() passes on the exit code of a command that ends in order though it was interrupted", async () => {
  const host = new FakeCliHost({ signal: AbortSignal.abort() });
  equal(await runCli(programOf(() => Promise.resolve(0)), ["do"], host), 0);
});

Deno.test("runCli() tells wrong usage as JSON even where no command could be found", async () => {
  const host = new FakeCliHost();
  equal(await runCli(programOf(() => Promise.resolve(0)), ["dp", "--json"], host), 2);
  deepEqual(host.json(), {
    error: { code: "invalid_usage", message: 'unknown command "dp"; did you mean "do"? See "prog --help"' },
  });
});

Deno.test("runCli() shows version and help on stdout, in colours only on a terminal", async () => {
  const program = programOf(() => Promise.resolve(1));
  const version = new FakeCliHost();
  equal(await runCli(program, ["--version"], version), 0);
  equal(version.stdout.text, "prog 1.2.3\n");
  for (const isTerminal of [true, false]) {
    const help = new FakeCliHost({ isTerminal });
    equal(await runCli(program, ["do", "--help"], help), 0);
    equal(help.stdout.text.includes("\x1b["), isTerminal);
    match(help.stdout.text, /prog do \[OPTIONS\]/);
  }
});
