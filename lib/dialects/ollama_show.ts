import type { GgufMetadata } from "../gguf/metadata.ts";
import { elementCount } from "../gguf/tensor_types.ts";
import type { GgufTensor } from "../gguf/tensors.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { type GgufArrays, shownMetadata } from "./gguf_values.ts";
import { DEFAULT_TEMPLATE, ollamaModelfile, ollamaParameters } from "./ollama_modelfile.ts";
import type { Capability } from "./served_model.ts";

/** A GGUF as it is shown. */
export interface ShownGguf {
  /** Of its first shard. */
  readonly metadata: Pick<GgufMetadata, "keys" | "get">;
  /** Of all shards. */
  readonly tensors: readonly Pick<GgufTensor, "name" | "type" | "dims">[];
  /** Those that were read; the others are shown as null. */
  readonly arrays: GgufArrays;
}

/** A model of our own store, with all that is shown of it. */
export interface StoredShow {
  /** What its manifest says, or of a plain file what little is known. */
  readonly model: ResolvedModel;
  /** Its weights. */
  readonly gguf: ShownGguf;
  /** What the GGUF itself says that its quantization is. */
  readonly fileType: string;
  /** Of its GGUF, in Jinja. */
  readonly chatTemplate: string | undefined;
  /** Its projector, if it has one. */
  readonly projector: ShownGguf | undefined;
  /** What it can do, in Ollama's order. */
  readonly capabilities: ReadonlySet<Capability>;
  /** `general.basename` in the place of its own; some editors show that to people. */
  readonly basename: string | undefined;
}

/**
 * The answer to `POST /api/show` for a model of our own store, as Ollama would give it. Ollama's rule that what is empty
 * is absent holds here too.
 *
 * @see `GetModelInfo` in server/routes.go, ollama 0.33
 */
export function ollamaShow(show: StoredShow): Record<string, unknown> {
  const { model, gguf, projector, capabilities } = show;
  const template = model.template || undefined;
  return withoutEmpty({
    license: model.licenses.join("\n"),
    modelfile: ollamaModelfile(model, template ?? DEFAULT_TEMPLATE),
    parameters: ollamaParameters(model.params),
    template: template ?? show.chatTemplate ?? DEFAULT_TEMPLATE,
    system: model.system,
    details: detailsOf(show),
    messages: model.messages?.map(({ role, content }) => ({ role, content })),
    model_info: modelInfo(show),
    projector_info: projector && infoOf(projector),
    tensors: gguf.tensors.map(({ name, type, dims }) => ({ name, type: type.name, shape: dims })),
    capabilities: [...capabilities],
    modified_at: new Date(model.modifiedAtMs).toISOString(),
  });
}

function withoutEmpty(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) =>
      value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0)
    ),
  );
}

function detailsOf({ model, gguf, fileType, projector }: StoredShow): Record<string, unknown> {
  const { family = architectureOf(gguf) } = model;
  const families = [family, ...(projector ? [architectureOf(projector)] : [])].filter((name) => name !== "");
  return {
    parent_model: "",
    format: "gguf",
    family,
    families: families.length === 0 ? null : [...new Set(families)],
    parameter_size: model.parameterSize ?? humanCount(parameterCountOf(gguf)),
    quantization_level: model.quantization ?? fileType,
  };
}

function architectureOf({ metadata }: ShownGguf): string {
  const entry = metadata.get("general.architecture");
  return entry?.type === "string" ? entry.value : "";
}

function modelInfo({ gguf, basename }: StoredShow): Record<string, unknown> {
  return infoOf(gguf, (info) => {
    info.delete("general.name");
    info.delete("tokenizer.chat_template");
    if (basename !== undefined) info.set("general.basename", basename);
  });
}

function infoOf(gguf: ShownGguf, edit?: (info: Map<string, unknown>) => void): Record<string, unknown> {
  const info = shownMetadata(gguf.metadata, gguf.arrays);
  info.set("general.parameter_count", parameterCountOf(gguf));
  edit?.(info);
  return Object.fromEntries([...info].sort(([one], [other]) => one < other ? -1 : 1));
}

function parameterCountOf({ tensors }: ShownGguf): number {
  return tensors.reduce((sum, { dims }) => sum + elementCount(dims), 0);
}

/** @see `HumanNumber` in format/format.go, ollama 0.33 */
function humanCount(count: number): string {
  if (count >= 1e9) return `${tidy(count / 1e9, 1)}B`;
  if (count >= 1e6) return `${tidy(count / 1e6, 2)}M`;
  return count >= 1e3 ? `${(count / 1e3).toFixed(0)}K` : String(count);
}

function tidy(value: number, decimals: number): string {
  return value.toFixed(Number.isInteger(value) ? 0 : decimals);
}
