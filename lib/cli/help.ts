import {
  type Command,
  type CommandGroup,
  type CommandNode,
  isGroup,
  type OptionSpec,
  type OptionSpecs,
  type Positional,
} from "./command.ts";
import { HELP_OPTION, nameOfPath, VERSION_OPTION } from "./parse.ts";
import { type Paint, wrap } from "./terminal.ts";

/** How {@linkcode renderHelp} lays out its text. */
export interface HelpLayout {
  /** Marks headings and names. */
  readonly paint: Paint;
  /** Width of the terminal; help is never wider than 100. */
  readonly columns: number;
}

/**
 * The help of a command or group.
 *
 * @param path The nodes that lead to it, root first.
 */
export function renderHelp(path: readonly CommandNode[], { paint, columns }: HelpLayout): string {
  const node = path.at(-1)!;
  const width = Math.min(Math.max(columns, 60), 100);
  const sections = isGroup(node)
    ? groupSections(node, path)
    : commandSections(node, nameOfPath(path.slice(0, 1)));
  const usage = `${paint("heading", "Usage:")} ${usageOf(node, path)}`;
  const text = isGroup(node) ? node.summary : node.details ?? node.summary;
  const about = text.split("\n\n").map((paragraph) => wrap(paragraph, width).join("\n"));
  const lists = sections.map(({ heading, rows }) =>
    [paint("heading", `${heading}:`), ...renderRows(rows, width, paint)].join("\n")
  );
  return [usage, ...about, ...lists].join("\n\n") + "\n";
}

/** The flags of an option as help shows them: `-h, --help`, `--[no-]metrics`, `--rpc HOST:PORT`. */
export function flagOf(name: string, { short, value, negatable, type, multiple }: OptionSpec): string {
  const flags = `${short ? `-${short}, ` : ""}--${negatable ? "[no-]" : ""}${name}`;
  return type === "boolean" ? flags : `${flags} ${value ?? "VALUE"}${multiple ? "…" : ""}`;
}

/** A name and its explanation; an example has no explanation. */
type Row = readonly [name: string, explanation: string];

interface Section {
  heading: string;
  rows: readonly Row[];
}

/** How a command is called: its words, options and arguments. */
export function usageOf(node: CommandNode, path: readonly CommandNode[]): string {
  if (isGroup(node)) return `${nameOfPath(path)} COMMAND`;
  const positionals = (node.positionals ?? []).map(positionalOf);
  return [nameOfPath(path), "[OPTIONS]", ...positionals].join(" ");
}

function positionalOf({ name, optional, multiple, choices }: Positional): string {
  const word = choices?.join("|") ?? name;
  const shown = multiple ? `${word}…` : word;
  return optional ? `[${shown}]` : shown;
}

function groupSections(group: CommandGroup, path: readonly CommandNode[]): Section[] {
  const options = path.length === 1 ? { help: HELP_OPTION, version: VERSION_OPTION } : { help: HELP_OPTION };
  return [
    { heading: "Commands", rows: group.commands.map(({ name, summary }) => [name, summary]) },
    ...optionSections(options),
  ];
}

function commandSections({ options, examples = [] }: Command, program: string): Section[] {
  const sections = optionSections({ ...options, help: HELP_OPTION });
  if (examples.length === 0) return sections;
  return [...sections, {
    heading: "Examples",
    rows: examples.map((example) => [`${program} ${example}`, ""]),
  }];
}

function optionSections(options: OptionSpecs): Section[] {
  const byHeading = Map.groupBy(Object.entries(options), ([, { heading = "Options" }]) => heading);
  const sections = [...byHeading].map(([heading, entries]) => ({ heading, rows: entries.map(optionRow) }));
  return sections.toSorted((a, b) => Number(b.heading === "Options") - Number(a.heading === "Options"));
}

function optionRow([name, option]: [string, OptionSpec]): Row {
  const choices = option.choices ? ` One of ${option.choices.join(", ")}.` : "";
  return [flagOf(name, option), option.description + choices];
}

function renderRows(rows: readonly Row[], width: number, paint: Paint): string[] {
  const explained = rows.filter(([, explanation]) => explanation !== "");
  const indent = Math.min(Math.max(0, ...explained.map(([name]) => name.length)), 30) + 4;
  return rows.flatMap(([name, explanation]) => {
    const [first = "", ...others] = wrap(explanation, width - indent);
    const lines = others.map((line) => " ".repeat(indent) + line);
    if (first === "") return [`  ${name}`];
    if (name.length + 4 > indent) return [`  ${paint("name", name)}`, " ".repeat(indent) + first, ...lines];
    return [`  ${paint("name", name)}${" ".repeat(indent - 2 - name.length)}${first}`, ...lines];
  });
}
