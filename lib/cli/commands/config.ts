import { dirname } from "node:path";
import { clientKeysOf } from "../../auth/client_key.ts";
import { checkKeys } from "../../auth/read_keys.ts";
import { type ConfigRow, describeConfig } from "../../config/describe.ts";
import { configPlaces } from "../../config/paths.ts";
import { DEFAULT_SOURCE, describeSource } from "../../config/source.ts";
import { configSchema } from "../../config/tree.ts";
import { GatewayError, messageOf } from "../../errors.ts";
import { type Command, type CommandGroup, defineCommand } from "../command.ts";
import { CONFIG_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { configTemplate } from "../config_template.ts";
import { JSON_OPTION, writeJson, writeWarning } from "../output.ts";
import { renderTable } from "../table.ts";
import { painter, printable } from "../terminal.ts";

const DEFAULT = describeSource(DEFAULT_SOURCE);

const checkCommand: Command = defineCommand({
  name: "check",
  summary: "Say whether the configuration is right, and what is wrong with it.",
  details:
    "Reads the configuration as `serve` would: the file, the environment and flags, and the files of keys that this user " +
    "may read. Ends with 1 and every mistake, with its line and what was probably meant, if it is wrong. FILE: the one to " +
    "check instead of the usual ones.",
  positionals: [{ name: "FILE", optional: true }],
  options: { ...JSON_OPTION, ...CONFIG_OPTIONS },
  examples: ["config check", "config check ./new.yaml", "config check --set coordinator.slots=8"],
  async run(context) {
    const { args: [file], options, env, stdout } = context;
    const loaded = await loadConfigForCommand({
      options: { ...options, config: file ?? options.config },
      env,
    });
    const { path, config } = loaded;
    const warnings = [...loaded.warnings, ...await checkKeys(loaded, env)];
    const setCount = describeConfig(loaded).filter(isSet).length;
    const clientKeyCount = clientKeysOf(config).length;
    if (options.json) writeJson(context, { ok: true, path, setCount, clientKeyCount, warnings });
    else {
      for (const warning of warnings) writeWarning(context, warning);
      const good = painter(stdout, env)("good", "ok");
      stdout.write(
        `${good}: ${path ?? "no config file"}, ${keyCount(setCount)} set, the rest as by default` +
          `${clientKeyCount === 0 ? "" : `; ${keyCount(clientKeyCount)} for clients`}\n`,
      );
    }
    return 0;
  },
});

const showCommand: Command = defineCommand({
  name: "show",
  summary: "Show what the configuration says, and where each value comes from.",
  details:
    "Shows the keys that somebody set, with the file and line, variable or flag; --all shows the defaults, too. " +
    "Secrets are masked.",
  options: {
    all: { type: "boolean", short: "a", description: "Show the keys that have their defaults, too." },
    ...JSON_OPTION,
    ...CONFIG_OPTIONS,
  },
  examples: ["config show", "config show --all --json"],
  async run(context) {
    const { options, stdout, env } = context;
    const loaded = await loadConfigForCommand(context);
    const rows = describeConfig(loaded);
    const shown = options.all ? rows : rows.filter(isSet);
    for (const warning of loaded.warnings) writeWarning(context, warning);
    if (options.json) writeJson(context, { path: loaded.path, keys: shown });
    else {
      if (shown.length > 0) stdout.write(tableOf(shown));
      const hiddenCount = rows.length - shown.length;
      const quiet = painter(stdout, env);
      if (hiddenCount > 0) {
        stdout.write(
          quiet("quiet", `${keyCount(hiddenCount)} as by default: sollol config show --all`) + "\n",
        );
      }
    }
    return 0;
  },
});

const schemaCommand: Command = defineCommand({
  name: "schema",
  summary: "Print the JSON Schema of the config file, for editors.",
  examples: ["config schema > sollol.schema.json"],
  run(context) {
    writeJson(context, configSchema());
    return Promise.resolve(0);
  },
});

const initCommand: Command = defineCommand({
  name: "init",
  summary: "Write a config file in which every key is explained.",
  details:
    "Writes FILE, or the first of the usual places; - prints it. Every key stands in it with its default, switched off, " +
    "so that the file changes nothing until you change it. A file that is there is kept.",
  positionals: [{ name: "FILE", optional: true }],
  options: { force: { type: "boolean", description: "Replace a file that is there." }, ...JSON_OPTION },
  examples: ["config init", "config init /etc/sollol/config.yaml", "config init -"],
  async run(context) {
    const { args: [file], options, env, stdout } = context;
    if (file === "-") stdout.write(configTemplate());
    else {
      const path = file ?? configPlaces(env)[0]!.path;
      await writeFresh(path, options.force ?? false);
      if (options.json) writeJson(context, { path });
      else {stdout.write(
          `Wrote ${printable(path)}; every key in it is switched off by a # until you remove that.\n`,
        );}
    }
    return 0;
  },
});

/** `sollol config`: the configuration, before it counts. */
export const configCommands: CommandGroup = {
  name: "config",
  summary: "Check, show, explain or begin the configuration.",
  commands: [checkCommand, showCommand, schemaCommand, initCommand],
};

function isSet({ source }: ConfigRow): boolean {
  return source !== DEFAULT;
}

function keyCount(count: number): string {
  return count === 1 ? "1 key" : `${count} keys`;
}

function tableOf(rows: readonly ConfigRow[]): string {
  const cells = rows.map(({ key, value, source }) => [key, printable(value), printable(source)]);
  return renderTable([{ title: "KEY" }, { title: "VALUE" }, { title: "SOURCE" }], cells);
}

/** For services, which run as users of their own and get their secrets otherwise. */
const SYSTEM_MODE = 0o644;
/** It may come to hold secrets. */
const OWN_MODE = 0o600;

async function writeFresh(path: string, isReplaced: boolean): Promise<void> {
  const fails = (cause: unknown) => {
    const message = `Cannot write ${path}: ${messageOf(cause)}; name another FILE, or - to print it`;
    return new GatewayError("invalid_request", message, { cause });
  };
  const mode = path.startsWith("/etc/") ? SYSTEM_MODE : OWN_MODE;
  await Deno.mkdir(dirname(path), { recursive: true }).catch((error) => Promise.reject(fails(error)));
  await Deno.writeTextFile(path, configTemplate(), { createNew: !isReplaced, mode }).catch((error) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw fails(error);
    throw new GatewayError("conflict", `${path} is there already; edit it, or replace it with --force`);
  });
}
