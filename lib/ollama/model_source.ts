import { type ModelName, ModelNameSyntaxError, nameKey, parseModelName } from "./model_name.ts";
import type { ResolvedModel, StoredModel } from "./resolved_model.ts";

/** A model as somebody asked for it. */
export interface WantedModel {
  /** The text as given, spaces around it removed. It is compared, and never made part of a path. */
  readonly text: string;
  /** What {@linkcode StoredModel.key} must be. */
  readonly key: string;
  /** Its parts; undefined if the text is no model name, which the name of a GGUF file need not be. */
  readonly name: ModelName | undefined;
}

/** How a spelling is compared: `exact` is tried first everywhere, then `folded`, which ignores case. */
export type SpellingMatch = "exact" | "folded";

/** One place that holds models: an Ollama store, or a folder of GGUF files. */
export interface ModelSource {
  /**
   * The model, checked; undefined if it is not here.
   *
   * @throws {GatewayError} `model_unusable` if it is here but cannot be loaded.
   */
  resolve(
    wanted: WantedModel,
    match: SpellingMatch,
    signal?: AbortSignal,
  ): Promise<ResolvedModel | undefined>;
  /** All models here, one entry for each key, in a fixed order. What cannot be read is logged and left out. */
  list(signal?: AbortSignal): Promise<StoredModel[]>;
  /** The names of all models here, without opening any. */
  names(): Promise<string[]>;
}

/** Prepares what somebody asked for; never throws, because a GGUF file's name need not be a model name. */
export function toWanted(text: string): WantedModel {
  const trimmed = text.trim();
  try {
    const name = parseModelName(trimmed);
    return { text: trimmed, key: nameKey(name), name };
  } catch (error) {
    if (!(error instanceof ModelNameSyntaxError)) throw error;
    return { text: trimmed, key: trimmed.toLowerCase(), name: undefined };
  }
}
