import {
  type Command,
  type CommandGroup,
  type CommandNode,
  isGroup,
  type OptionSpec,
  type OptionSpecs,
  type Positional,
} from "../command.ts";
import { HELP_OPTION, VERSION_OPTION } from "../parse.ts";

/** A word that may be typed at some place. */
export interface Candidate {
  /** A command, a flag with its dashes, or a word that an argument may be. */
  readonly word: string;
  /** One line, for shells that show it. */
  readonly description: string;
}

/** What may follow some flags: names of files, one of some words, or something that no shell can know. */
export interface ValuedFlag {
  /** All its spellings, with dashes. */
  readonly flags: readonly string[];
  /** What its value is. */
  readonly value: "file" | "unknown" | readonly string[];
}

/** A command or group as shells see it. */
export interface Place {
  /** The words that lead here, without the program's. */
  readonly words: readonly string[];
  /** What may be typed next. */
  readonly candidates: readonly Candidate[];
  /** Flags that take a value. */
  readonly valuedFlags: readonly ValuedFlag[];
  /** Whether names of files may be typed, too. */
  readonly takesFiles: boolean;
}

/** Every place of a command tree, the root first: all that a shell needs to complete a command line. */
export function placesOf(root: CommandGroup): readonly Place[] {
  return placesBelow(root, []);
}

function placesBelow(node: CommandNode, words: readonly string[]): Place[] {
  if (!isGroup(node)) return [placeOfCommand(node, words)];
  const flags = words.length === 0 ? { help: HELP_OPTION, version: VERSION_OPTION } : { help: HELP_OPTION };
  const children = node.commands.map(({ name, summary }) => ({ word: name, description: summary }));
  const own = {
    words,
    candidates: [...children, ...flagCandidates(flags)],
    valuedFlags: [],
    takesFiles: false,
  };
  return [own, ...node.commands.flatMap((child) => placesBelow(child, [...words, child.name]))];
}

function placeOfCommand({ options = {}, positionals = [] }: Command, words: readonly string[]): Place {
  return {
    words,
    candidates: [...choiceCandidates(positionals), ...flagCandidates({ ...options, help: HELP_OPTION })],
    valuedFlags: Object.entries(options).filter(([, { type }]) => type === "string").map(valuedFlag),
    takesFiles: positionals.some(({ name }) => isFileName(name)),
  };
}

function choiceCandidates(positionals: readonly Positional[]): Candidate[] {
  return positionals.flatMap(({ name, choices = [] }) =>
    choices.map((word) => ({ word, description: name }))
  );
}

function flagCandidates(options: OptionSpecs): Candidate[] {
  return Object.entries(options).flatMap(([name, { negatable, description }]) => [
    { word: `--${name}`, description },
    ...(negatable ? [{ word: `--no-${name}`, description }] : []),
  ]);
}

function valuedFlag([name, { short, choices, value = "" }]: [string, OptionSpec]): ValuedFlag {
  return {
    flags: [`--${name}`, ...(short === undefined ? [] : [`-${short}`])],
    value: choices ?? (isFileName(value) ? "file" : "unknown"),
  };
}

/** Help names what is a file or directory so. */
function isFileName(placeholder: string): boolean {
  return /^(FILE|PATH|DIR|NAME=PATH)$/.test(placeholder);
}
