import { displayName } from "../ollama/model_name.ts";
import { toWanted } from "../ollama/model_source.ts";
import { momentText } from "./moment_text.ts";

/** What is to be listed of a model. */
export interface TaggedModel {
  /** Its name in any spelling. */
  readonly name: string;
  /** When it changed, ms since 1970; 0 where that is not known. */
  readonly modifiedAtMs: number;
  /** All that belongs to it, bytes. */
  readonly sizeBytes: number | undefined;
  /** SHA-256 of its manifest, hex. */
  readonly digest: string | undefined;
  /** The GGUF's architecture. */
  readonly family: string | undefined;
  /** Number of parameters for people: `8.0B`. */
  readonly parameterSize: string | undefined;
  /** Such as `Q4_K_M`. */
  readonly quantization: string | undefined;
  /** The model that this name stands for. */
  readonly aliasOf: string | undefined;
  /** Names of the nodes that hold it. */
  readonly holders: readonly string[];
  /** Whether it can be served. */
  readonly isAvailable: boolean;
  /** Why not. */
  readonly unavailableBecause: string | undefined;
}

/** What Ollama tells of a model beside its name; what is not known is empty. */
export interface OllamaTagDetails {
  /** What it was made from; of an alias, the model. */
  readonly parent_model: string;
  /** Of its weights. */
  readonly format: "gguf";
  /** The GGUF's architecture. */
  readonly family: string;
  /** The same, as a list; null for none. */
  readonly families: readonly string[] | null;
  /** Number of parameters for people. */
  readonly parameter_size: string;
  /** Such as `Q4_K_M`. */
  readonly quantization_level: string;
}

/** Ours: why nobody can serve a model now. */
export interface UnavailableTag {
  /** Always. */
  readonly available: false;
  /** In a sentence. */
  readonly because: string;
  /** Names of those that hold it nevertheless. */
  readonly nodes: readonly string[];
}

/** One entry of Ollama's list of models; what is not known is empty, or 0. */
export interface OllamaTag {
  /** With its tag. */
  readonly name: string;
  /** The same. */
  readonly model: string;
  /** RFC 3339; 1970 where it is not known. */
  readonly modified_at: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of its manifest, hex. */
  readonly digest: string;
  /** What else is known. */
  readonly details: OllamaTagDetails;
  /** Only where nobody can serve it now. */
  readonly sollol?: UnavailableTag;
}

/**
 * Renders the answer to `GET /api/tags`: the newest first, names with their tags.
 *
 * @see `ListModelResponse` in api/types.go, ollama 0.33
 */
export function ollamaTags(models: readonly TaggedModel[]): { readonly models: readonly OllamaTag[] } {
  const tags = models.map((model) => ({ model, tag: tagOf(model) }));
  const byAge = tags.toSorted((one, other) =>
    other.model.modifiedAtMs - one.model.modifiedAtMs || (one.tag.name < other.tag.name ? -1 : 1)
  );
  return { models: byAge.map(({ tag }) => tag) };
}

function tagOf(model: TaggedModel): OllamaTag {
  const name = fullName(model.name);
  const { family = "", isAvailable, unavailableBecause = "", holders } = model;
  return {
    name,
    model: name,
    modified_at: momentText(model.modifiedAtMs),
    size: model.sizeBytes ?? 0,
    digest: model.digest ?? "",
    details: {
      parent_model: model.aliasOf === undefined ? "" : fullName(model.aliasOf),
      format: "gguf",
      family,
      families: family === "" ? null : [family],
      parameter_size: model.parameterSize ?? "",
      quantization_level: model.quantization ?? "",
    },
    ...(isAvailable ? {} : { sollol: { available: false, because: unavailableBecause, nodes: holders } }),
  };
}

/** The name of a GGUF file need not be one that Ollama would give, and has no tag then. */
function fullName(text: string): string {
  const { name } = toWanted(text);
  return name ? displayName(name) : text;
}
