import type { ResolvedModel } from "../../ollama/resolved_model.ts";
import { type GgufFile, openGguf } from "../../store/gguf_file.ts";
import { formatBytes } from "../../units.ts";
import { type Command, defineCommand } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand, MODELS_OPTION } from "../config_flags.ts";
import { findModel } from "../find_model.ts";
import { JSON_OPTION, writeJson, writeWarning } from "../output.ts";
import { renderFields } from "../table.ts";
import { printable } from "../terminal.ts";

/** `sollol resolve`: tells where a model is and what it is. */
export const resolveCommand: Command = defineCommand({
  name: "resolve",
  summary: "Tell where a model is on this machine, and what it is.",
  details:
    "Finds a model by its name as a request would, or takes the path of a .gguf file (with a slash or .gguf), " +
    "checks its files and reads its header. Nothing is loaded.",
  positionals: [{ name: "MODEL" }],
  options: { ...JSON_OPTION, ...CONFIG_FILE_OPTIONS, ...MODELS_OPTION },
  examples: ["resolve llama3.1:8b", "resolve ./tiny.gguf --json", "resolve qwen3 --models /srv/models"],
  async run(context) {
    const { config, warnings } = await loadConfigForCommand(context);
    const { signal } = context;
    const { args: [name = ""] } = context;
    const model = await findModel(name, config, context);
    const file = await openGguf(model.modelPath, { signal });
    if (context.options.json) writeJson(context, toJson(model, file));
    else context.stdout.write(toText(model, file));
    for (const warning of warnings) writeWarning(context, warning);
    return 0;
  },
});

function toJson(model: ResolvedModel, { model: content, shardPaths, header }: GgufFile) {
  return {
    name: model.name,
    source: model.source,
    modelPath: model.modelPath,
    shardPaths,
    sizeBytes: model.sizeBytes,
    digest: model.digest,
    manifestPath: model.manifestPath,
    manifestDigest: model.manifestDigest,
    architecture: content.architecture,
    layerCount: content.blockCount,
    contextLength: content.contextLength,
    quantization: content.fileType,
    parameterCount: content.parameterCount,
    params: model.params,
    projectorPaths: model.projectorPaths,
    adapterPaths: model.adapterPaths,
    draftPath: model.draftPath,
    warnings: [...model.warnings, ...header.warnings],
  };
}

function toText(model: ResolvedModel, file: GgufFile): string {
  const { model: content, shardPaths, header } = file;
  const params = Object.entries(model.params).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const fields: [string, string | undefined][] = [
    ["name", model.name],
    ["file", model.modelPath],
    ["shards", shardPaths.length > 1 ? String(shardPaths.length) : undefined],
    ["manifest", model.manifestPath],
    ["size", formatBytes(model.sizeBytes)],
    ["architecture", content.architecture],
    ["layers", String(content.blockCount)],
    ["context", `${content.contextLength} tokens`],
    ["quantization", content.fileType],
    ["parameters", formatCount(content.parameterCount)],
    ["params", params.join(", ")],
    ...model.projectorPaths.map((path): [string, string] => ["projector", path]),
    ...model.adapterPaths.map((path): [string, string] => ["adapter", path]),
    ["draft", model.draftPath],
    ...[...model.warnings, ...header.warnings].map((warning): [string, string] => ["warning", warning]),
  ];
  return renderFields(fields.map(([name, value]) => [name, value && printable(value)]));
}

/** As makers of models write it: `70.6 B`, `1.32 M`. */
function formatCount(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} B`;
  return count >= 1e6 ? `${(count / 1e6).toFixed(2)} M` : String(count);
}
