import { type CommandContext, UsageError } from "./command.ts";
import { painter, printable } from "./terminal.ts";

/** The option of every command that prints data. */
export const JSON_OPTION = {
  json: { type: "boolean", description: "Print JSON and nothing else on stdout." },
} as const;

/** Writes one value as JSON. `undefined` inside becomes `null`, so that every key is always there. */
export function writeJson({ stdout }: Pick<CommandContext, "stdout">, value: unknown): void {
  const text = JSON.stringify(value, (_key, inner) => inner === undefined ? null : inner, 2);
  stdout.write(`${text}\n`);
}

/** Writes a sentence about what looks like a mistake, but hinders nothing. */
export function writeWarning(
  { stderr, env, root }: Pick<CommandContext, "stderr" | "env" | "root">,
  text: string,
): void {
  stderr.write(`${painter(stderr, env)("doubtful", `${root.name}: warning:`)} ${printable(text)}\n`);
}

/**
 * Reads an argument by a parser that throws a RangeError.
 *
 * @throws {UsageError} With the parser's sentence.
 */
export function readArgument<T>(name: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}
