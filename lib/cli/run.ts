import { ConfigError } from "../config/config_error.ts";
import { GatewayError, messageOf } from "../errors.ts";
import { type CliHost, type CommandGroup, type ExitCode, UsageError } from "./command.ts";
import { renderHelp } from "./help.ts";
import { type Invocation, parseCommandLine } from "./parse.ts";
import { painter, printable } from "./terminal.ts";

/**
 * Runs the command that the arguments name. Errors end as a sentence on stderr; with `--json`, also as
 * `{error: {code, message}}` on stdout. Never throws.
 *
 * @param argv Without the name of the program.
 */
export async function runCli(root: CommandGroup, argv: readonly string[], host: CliHost): Promise<ExitCode> {
  let invocation: Invocation | undefined;
  try {
    invocation = parseCommandLine(root, argv);
    if (invocation.kind === "run") return await runCommand(invocation, root, host);
    host.stdout.write(
      invocation.kind === "help" ? helpFor(invocation, host) : `${root.name} ${root.version}\n`,
    );
    return 0;
  } catch (error) {
    const isJson = invocation?.kind === "run" ? invocation.options["json"] === true : argv.includes("--json");
    return report(root.name, failureOf(error, host.signal), isJson, host);
  }
}

async function runCommand(
  { command, args, options }: Extract<Invocation, { kind: "run" }>,
  root: CommandGroup,
  host: CliHost,
): Promise<ExitCode> {
  const { stdout, stderr, env, signal, hurry } = host;
  return await command.run({ stdout, stderr, env, signal, hurry, args, options, root });
}

function helpFor({ path }: Extract<Invocation, { kind: "help" }>, { stdout, env }: CliHost): string {
  return renderHelp(path, { paint: painter(stdout, env), columns: stdout.columns });
}

/** What goes wrong, in the words of the command line. */
interface Failure {
  exitCode: ExitCode;
  code: string;
  message: string;
}

function failureOf(error: unknown, signal: AbortSignal): Failure {
  const message = messageOf(error);
  if (error instanceof UsageError) return { exitCode: 2, code: "invalid_usage", message };
  if (error instanceof ConfigError) return { exitCode: 1, code: "invalid_config", message };
  if (error instanceof GatewayError && !signal.aborted) return { exitCode: 1, code: error.code, message };
  if (signal.aborted) return { exitCode: 130, code: "interrupted", message: "Interrupted" };
  const stack = error instanceof Error ? error.stack ?? message : message;
  return { exitCode: 1, code: "internal", message: `Internal error, please report it: ${stack}` };
}

function report(
  program: string,
  failure: Failure,
  isJson: boolean,
  { stdout, stderr, env }: CliHost,
): ExitCode {
  const { exitCode, code, message } = failure;
  if (isJson) stdout.write(JSON.stringify({ error: { code, message } }) + "\n");
  const sentence = message.split("\n").map(printable).join("\n");
  stderr.write(`${painter(stderr, env)("bad", `${program}:`)} ${sentence}\n`);
  return exitCode;
}
