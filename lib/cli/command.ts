import type { Environment } from "../config/environment.ts";

/** How the program ends: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 130;

/** One option of a command. Everything that help, completion and parsing need. */
export interface OptionSpec {
  /** A `string` option takes a value, a `boolean` one does not. */
  readonly type: "string" | "boolean";
  /** One letter, for `-j`. */
  readonly short?: string;
  /** What help calls the value, such as `HOST:PORT`. */
  readonly value?: string;
  /** A sentence for help. */
  readonly description: string;
  /** Whether it may be given several times; all values are kept. */
  readonly multiple?: boolean;
  /** Whether `--no-NAME` sets it to false. */
  readonly negatable?: boolean;
  /** The only values that it takes. */
  readonly choices?: readonly string[];
  /** The heading under which help lists it; `Options` if unsaid. */
  readonly heading?: string;
}

/** Options by their name without dashes. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The value of one option: `undefined` if it was not given, and a list (maybe empty) if it may be repeated. */
export type OptionValue<S extends OptionSpec> = OptionSpec extends S
  ? readonly string[] | string | boolean | undefined // of an option that is not known by name
  : S extends { readonly multiple: true } ? readonly string[]
  : S extends { readonly type: "boolean" } ? boolean | undefined
  : S extends { readonly choices: readonly (infer Choice)[] } ? Choice | undefined
  : string | undefined;

/** What was given on the command line, by option. */
export type OptionValues<O extends OptionSpecs> = { readonly [Name in keyof O]: OptionValue<O[Name]> };

/** One positional argument. */
export interface Positional {
  /** In capitals, as help shows it. */
  readonly name: string;
  /** Whether it may be left out. */
  readonly optional?: boolean;
  /** Whether it may be repeated; only the last one may. */
  readonly multiple?: boolean;
  /** The only words that it takes; default: any. */
  readonly choices?: readonly string[];
}

/** A stream that people or programs read. */
export interface TextOutput {
  /** Writes text as it is. */
  write(text: string): void;
  /** Whether a person reads it directly. */
  readonly isTerminal: boolean;
  /** Width in characters; some usual width where there is no terminal. */
  readonly columns: number;
}

/** The surroundings of the program, injected so that commands run in tests without a process. */
export interface CliHost {
  /** For results. */
  readonly stdout: TextOutput;
  /** For errors, warnings and progress. */
  readonly stderr: TextOutput;
  /** Variables of the process. */
  readonly env: Environment;
  /** Aborts when the program is asked to end. */
  readonly signal: AbortSignal;
  /** Aborts when it is asked again: what is in flight is to be cut, but nothing to be left behind. */
  readonly hurry: AbortSignal;
}

/** All that a command may use. */
export interface CommandContext<O extends OptionSpecs = OptionSpecs> extends CliHost {
  /** Positional arguments; their number is checked. */
  readonly args: readonly string[];
  /** Options that were given. */
  readonly options: OptionValues<O>;
  /** The tree that the command is part of. */
  readonly root: CommandGroup;
}

/** What describes and runs one command. */
export interface CommandSpec<O extends OptionSpecs = OptionSpecs> {
  /** The word that people type. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs for the command's own help. */
  readonly details?: string;
  /** Positional arguments, in order. */
  readonly positionals?: readonly Positional[];
  /** Options beside `--help`, which every command has. */
  readonly options?: O;
  /** Whole command lines, without the name of the program. */
  readonly examples?: readonly string[];
  /**
   * Does the work.
   *
   * @throws {UsageError} If arguments that parse make no sense.
   */
  run(context: CommandContext<O>): Promise<ExitCode>;
}

/** One command of the tree. */
export type Command = CommandSpec;

/** A command that only holds others. */
export interface CommandGroup {
  /** The word that people type; for the root, the name of the program. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** For the root: what `--version` prints behind the name. */
  readonly version?: string;
  /** What it holds, in the order of help. */
  readonly commands: readonly CommandNode[];
}

/** A node of the command tree. */
export type CommandNode = Command | CommandGroup;

/** Checks a command's description against its types; the result goes into a {@linkcode CommandGroup}. */
export function defineCommand<const O extends OptionSpecs = Record<never, never>>(
  spec: CommandSpec<O>,
): Command {
  return spec as unknown as Command; // safe: parsing fills `options` by this very spec
}

/** Whether a node only holds others. */
export function isGroup(node: CommandNode): node is CommandGroup {
  return "commands" in node;
}

/** The command line makes no sense; the program ends with 2. */
export class UsageError extends Error {
  /** Tells it from other errors. */
  override readonly name = "UsageError";
}
