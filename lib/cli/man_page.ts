import { type Command, type CommandGroup, type CommandNode, isGroup, type OptionSpec } from "./command.ts";
import { flagOf, usageOf } from "./help.ts";
import { HELP_OPTION, nameOfPath, VERSION_OPTION } from "./parse.ts";

const FILES: readonly (readonly [path: string, use: string])[] = [
  [
    "$XDG_CONFIG_HOME/sollol/config.yaml, ~/.config/sollol/config.yaml, /etc/sollol/config.yaml",
    "The configuration; the first that is there counts.",
  ],
  ["$STATE_DIRECTORY, $XDG_STATE_HOME/sollol, ~/.local/state/sollol", "What must outlive a restart."],
];

const ENVIRONMENT: readonly (readonly [name: string, use: string])[] = [
  ["SOLLOL_CONFIG", "Names the config file, like --config."],
  ["SOLLOL_API_KEY", "The key that commands show to a gateway."],
  ["SOLLOL_WORKER_TOKEN", "What a worker shows to its gateway; for the gateway, the key worker_token."],
  ["SOLLOL_SECTION_KEY", "Sets any key of the configuration: SOLLOL_COORDINATOR_SLOTS is coordinator.slots."],
  ["RPC_BACKENDS, OLLAMA_NODES, OLLAMA_MODELS", "As rpc_backends, ollama_nodes and models."],
  ["NO_COLOR", "Anything: no colours."],
];

const EXIT_STATUS: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "Done."],
  ["1", "It failed; a sentence on standard error says why and what to do."],
  ["2", "The command line makes no sense."],
  ["130", "It was interrupted."],
];

/** The manual page of a command tree, in the man macros of roff. */
export function manPage(root: CommandGroup): string {
  const { name, summary, version = "" } = root;
  return [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${escaped(version)}" "User Commands"`,
    ".SH NAME",
    `${name} \\- ${escaped(summary)}`,
    ".SH SYNOPSIS",
    `.B ${name}`,
    "COMMAND [OPTIONS]",
    ".SH OPTIONS",
    ...optionLines({ help: HELP_OPTION, version: VERSION_OPTION }),
    ".SH COMMANDS",
    ...root.commands.flatMap((node) => nodeLines(node, [root])),
    ".SH FILES",
    ...tagged(FILES),
    ".SH ENVIRONMENT",
    ...tagged(ENVIRONMENT),
    ".SH EXIT STATUS",
    ...tagged(EXIT_STATUS),
  ].join("\n") + "\n";
}

function nodeLines(node: CommandNode, above: readonly CommandNode[]): string[] {
  const path = [...above, node];
  if (isGroup(node)) return node.commands.flatMap((child) => nodeLines(child, path));
  return [`.SS ${escaped(usageOf(node, path))}`, ...commandLines(node, nameOfPath(path.slice(0, 1)))];
}

function commandLines(
  { summary, details = summary, options = {}, examples = [] }: Command,
  program: string,
): string[] {
  const paragraphs = details.split("\n\n").map(escaped);
  return [
    paragraphs.join("\n.PP\n"),
    ...optionLines(options),
    ...(examples.length === 0 ? [] : [".PP", "Examples:", ".PP", ".nf", ".RS"]),
    ...examples.map((example) => escaped(`${program} ${example}`)),
    ...(examples.length === 0 ? [] : [".RE", ".fi"]),
  ];
}

function optionLines(options: Readonly<Record<string, OptionSpec>>): string[] {
  return tagged(
    Object.entries(options).map(([name, option]) => {
      const choices = option.choices ? ` One of ${option.choices.join(", ")}.` : "";
      return [flagOf(name, option), option.description + choices] as const;
    }),
  );
}

function tagged(rows: readonly (readonly [tag: string, text: string])[]): string[] {
  return rows.flatMap(([tag, text]) => [".TP", `.B ${escaped(tag)}`, escaped(text)]);
}

/** As roff prints it: a line that begins with a dot or a quote is none of its orders, a dash stays one. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll(/^[.']/gm, "\\&$&").replaceAll(
    "…",
    "...",
  );
}
