import type { LlamaCppConfig } from "../../config/config.ts";
import { ConfigError } from "../../config/config_error.ts";
import { findLlamaCpp, type Program } from "../../llama_cpp/find.ts";
import { readLlamaVersion, readRpcServerVersion } from "../../llama_cpp/read_version.ts";
import type { VersionReading } from "../../llama_cpp/version.ts";
import { VERSION } from "../build_info.ts";
import { type Command, type CommandContext, defineCommand, type OptionSpecs } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { JSON_OPTION, writeJson, writeWarning } from "../output.ts";
import { renderFields } from "../table.ts";
import { printable } from "../terminal.ts";

/** `sollol version`: what a report of a mistake should begin with. */
export const versionCommand: Command = defineCommand({
  name: "version",
  summary: "Show the versions of sollol and of all that it runs on.",
  options: { ...JSON_OPTION, ...CONFIG_FILE_OPTIONS },
  examples: ["version --json"],
  async run(context) {
    const programs = await findLlamaCpp({ ...await programsOf(context), env: context.env });
    const [llamaServer, rpcServer] = await Promise.all([
      describeProgram(programs.llamaServer, readLlamaVersion, context.signal),
      describeProgram(programs.rpcServer, readRpcServerVersion, context.signal),
    ]);
    const { deno, v8 } = Deno.version;
    const platform = `${Deno.build.os} ${Deno.build.arch}`;
    if (context.options.json) {
      writeJson(context, { sollol: VERSION, deno, v8, platform, llamaServer, rpcServer });
    } else {
      context.stdout.write(renderFields([
        ["sollol", VERSION],
        ["deno", `${deno} (v8 ${v8})`],
        ["platform", platform],
        ["llama-server", toText(llamaServer)],
        ["rpc server", toText(rpcServer)],
      ]));
      const reasons = [llamaServer, rpcServer].flatMap(({ because }) =>
        because ? [`\n${printable(because)}\n`] : []
      );
      context.stdout.write(reasons.join(""));
    }
    return 0;
  },
});

/** A program with its version; what is not known is told in `because`. */
interface ProgramVersion {
  path: string | undefined;
  version: string | undefined;
  build: number | undefined;
  because: string | undefined;
}

async function describeProgram(
  program: Program,
  read: (path: string, options: { signal: AbortSignal }) => Promise<VersionReading>,
  signal: AbortSignal,
): Promise<ProgramVersion> {
  const unknown = { path: undefined, version: undefined, build: undefined, because: undefined };
  if (!program.found) return { ...unknown, because: program.because };
  const { path } = program;
  const reading = await read(path, { signal });
  if (!reading.ok) return { ...unknown, path, because: reading.because };
  return { path, version: reading.version.text, build: reading.version.build, because: undefined };
}

/** A config that is broken must not keep anybody from learning the version. */
async function programsOf(context: CommandContext<OptionSpecs>): Promise<Partial<LlamaCppConfig>> {
  try {
    return (await loadConfigForCommand(context)).config.llamaCpp;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    writeWarning(context, error.message);
    return {};
  }
}

function toText({ path, version }: ProgramVersion): string {
  return path === undefined ? "not found" : printable(`${version ?? "unknown version"} (${path})`);
}
