import { parseArgs } from "node:util";
import { didYouMean } from "../config/nearest.ts";
import {
  type Command,
  type CommandGroup,
  type CommandNode,
  isGroup,
  type OptionSpec,
  type OptionSpecs,
  type OptionValues,
  type Positional,
  UsageError,
} from "./command.ts";

/** What a command line asks for. */
export type Invocation =
  | { readonly kind: "help"; /** Root first. */ readonly path: readonly CommandNode[] }
  | { readonly kind: "version" }
  | {
    readonly kind: "run";
    readonly command: Command;
    readonly args: readonly string[];
    readonly options: OptionValues<OptionSpecs>;
  };

/** The option that every command has. */
export const HELP_OPTION: OptionSpec = {
  type: "boolean",
  short: "h",
  description: "Show this help and end.",
};

/** The option that only the program itself has. */
export const VERSION_OPTION: OptionSpec = {
  type: "boolean",
  short: "V",
  description: "Show the version and end.",
};

/**
 * Finds the command that the arguments name, and reads its options.
 *
 * @param argv Without the name of the program.
 * @throws {UsageError} If something is unknown, missing or too much; says what was probably meant.
 */
export function parseCommandLine(root: CommandGroup, argv: readonly string[]): Invocation {
  const path: CommandNode[] = [root];
  let node: CommandNode = root;
  let rest = argv;
  while (isGroup(node)) {
    const [word] = rest;
    if (word === undefined || word === "--help" || word === "-h") return { kind: "help", path };
    if (node === root && (word === "--version" || word === "-V")) return { kind: "version" };
    node = childOf(node, word, path);
    path.push(node);
    rest = rest.slice(1);
  }
  return parseCommand(node, path, rest);
}

/**
 * The nodes that these words name, root first.
 *
 * @throws {UsageError} If there is no such command.
 */
export function findPath(root: CommandGroup, words: readonly string[]): readonly CommandNode[] {
  return words.reduce<readonly CommandNode[]>((path, word) => {
    const node = path.at(-1)!;
    if (!isGroup(node)) throw usage(path, `unexpected argument "${word}"`);
    return [...path, childOf(node, word, path)];
  }, [root]);
}

/** The words that lead to a command, `sollol config show`. */
export function nameOfPath(path: readonly CommandNode[]): string {
  return path.map(({ name }) => name).join(" ");
}

function childOf(group: CommandGroup, word: string, path: readonly CommandNode[]): CommandNode {
  const child = group.commands.find(({ name }) => name === word);
  if (child) return child;
  if (word.startsWith("-")) {
    throw usage(path, `unknown option "${word}"${didYouMean(word, ["--help", "--version"])}`);
  }
  throw usage(path, `unknown command "${word}"${didYouMean(word, group.commands.map(({ name }) => name))}`);
}

function parseCommand(command: Command, path: readonly CommandNode[], argv: readonly string[]): Invocation {
  const specs: OptionSpecs = { ...command.options, help: HELP_OPTION };
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(specs).map(([name, { type, short }]) => {
        return [name, short === undefined ? { type } : { type, short }];
      }),
    ),
    allowPositionals: true,
    strict: false, // our own words for mistakes are better
    tokens: true,
  });
  const args = tokens.filter((token) => token.kind === "positional").map(({ value }) => value);
  const given = tokens.filter((token) => token.kind === "option").map((token) =>
    readOption(token, specs, path)
  );
  if (given.some(({ name }) => name === "help")) return { kind: "help", path };
  checkArguments(args, command.positionals ?? [], path);
  return { kind: "run", command, args, options: collect(given, command.options ?? {}) };
}

interface GivenOption {
  name: string;
  value: string | boolean;
}

interface OptionToken {
  name: string;
  rawName: string;
  value: string | undefined;
  inlineValue: boolean | undefined;
}

function readOption(token: OptionToken, specs: OptionSpecs, path: readonly CommandNode[]): GivenOption {
  const { rawName, value, inlineValue } = token;
  const isNegated = !Object.hasOwn(specs, token.name) && token.name.startsWith("no-");
  const name = isNegated ? token.name.slice(3) : token.name;
  const spec = Object.hasOwn(specs, name) ? specs[name]! : undefined;
  if (!spec || (isNegated && !spec.negatable)) {
    throw usage(path, `unknown option "${rawName}"${didYouMean(rawName, flagsOf(specs))}`);
  }
  if (spec.type === "boolean") {
    if (value !== undefined) throw usage(path, `${rawName} takes no value, got "${value}"`);
    return { name, value: !isNegated };
  }
  if (value === undefined || (!inlineValue && /^-./.test(value))) {
    throw usage(path, `${rawName} needs a value${spec.value ? `: ${rawName} ${spec.value}` : ""}`);
  }
  if (spec.choices && !spec.choices.includes(value)) {
    throw usage(path, `${rawName} must be one of ${spec.choices.join(", ")}, got "${value}"`);
  }
  return { name, value };
}

/** All that may be typed: `--name`, and `--no-name` where that has a meaning. */
function flagsOf(specs: OptionSpecs): string[] {
  return Object.entries(specs).flatMap(([name, { negatable }]) => [
    `--${name}`,
    ...(negatable ? [`--no-${name}`] : []),
  ]);
}

function collect(given: readonly GivenOption[], specs: OptionSpecs): OptionValues<OptionSpecs> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, { multiple }]) => {
      const values = given.filter((option) => option.name === name).map(({ value }) => value);
      return [name, multiple ? values : values.at(-1)];
    }),
  ) as OptionValues<OptionSpecs>;
}

function checkArguments(
  args: readonly string[],
  positionals: readonly Positional[],
  path: readonly CommandNode[],
): void {
  const missing = positionals[args.length];
  if (missing && !missing.optional) throw usage(path, `${missing.name} is missing`);
  const extra = args[positionals.length];
  if (extra !== undefined && !positionals.at(-1)?.multiple) {
    throw usage(path, `unexpected argument "${extra}"`);
  }
  args.forEach((word, at) => {
    const { name, choices } = positionals[at] ?? positionals.at(-1)!;
    if (!choices || choices.includes(word)) return;
    const hint = didYouMean(word, choices);
    throw usage(path, `${name} must be one of ${choices.join(", ")}, got "${word}"${hint}`);
  });
}

function usage(path: readonly CommandNode[], fault: string): UsageError {
  return new UsageError(`${fault}. See "${nameOfPath(path)} --help"`.replace("?. See", "? See"));
}
