import { jsonIn } from "../json_text.ts";
import { toWanted } from "../ollama/model_source.ts";
import type { NodeModel, ResidentModel } from "./node.ts";

/** Models that are taken of one node; more would cost whoever lists them. */
const MAX_MODELS = 10_000;
/** No model of Ollama's is called longer. */
const MAX_NAME_LENGTH = 1_000;
const MAX_WORD_LENGTH = 100;
const MAX_ERROR_LENGTH = 200;
/** No machine of today has more memory, nor a model more bytes: 1 PiB. */
const MAX_BYTES = 2 ** 50;
/** Ollama writes "never" as a moment some 290 years ahead, and Go writes "not set" as the year 1. */
const FOREVER_YEAR = 2200;
const UNSET_YEAR = 1970;

/** A JSON object of which nothing is known. Read by hand: a schema takes ten times as long, and there are thousands. */
type Fields = Readonly<Record<string, unknown>>;

/** What `GET /api/version` tells. @returns `undefined` if it is no such answer. */
export function parseVersion(text: string): string | undefined {
  return wordOf(fieldsOf(jsonIn(text))["version"]);
}

/** What Ollama says where it tells an error instead. @returns `undefined` if it is no such answer. */
export function parseError(text: string): string | undefined {
  const { error } = fieldsOf(jsonIn(text));
  return typeof error === "string" && error !== "" ? error.slice(0, MAX_ERROR_LENGTH) : undefined;
}

/**
 * What `GET /api/tags` tells, by canonical key: the first 10,000 models whose names can be read. Of names that differ in
 * case only the first counts. What runs in a cloud is left out, and so are entries that make no sense.
 *
 * @returns `undefined` if it is no list of models.
 */
export function parseModels(text: string): ReadonlyMap<string, NodeModel> | undefined {
  return collected(text, (entry) => {
    if (entry["remote_model"] || entry["remote_host"]) return undefined;
    const names = namesOf(entry);
    const details = fieldsOf(entry["details"]);
    return names && {
      ...names,
      digest: digestOf(entry["digest"]),
      sizeBytes: countOf(entry["size"]) ?? 0,
      quantization: wordOf(details["quantization_level"]),
      parameterSize: wordOf(details["parameter_size"]),
      family: wordOf(details["family"]),
      modifiedAtMs: pastOf(entry["modified_at"]),
    };
  });
}

/**
 * What `GET /api/ps` tells, by canonical key, read as {@linkcode parseModels} does. Figures that cannot be are taken for
 * not told, and what is on GPUs is never more than the whole.
 *
 * @returns `undefined` if it is no list of models.
 */
export function parseResident(text: string): ReadonlyMap<string, ResidentModel> | undefined {
  return collected(text, (entry) => {
    const names = namesOf(entry);
    const vramBytes = countOf(entry["size_vram"]) ?? 0;
    const sizeBytes = countOf(entry["size"]) ?? vramBytes;
    const contextLength = countOf(entry["context_length"]);
    return names && {
      ...names,
      sizeBytes,
      vramBytes: Math.min(vramBytes, sizeBytes),
      expiresAtMs: momentOf(entry["expires_at"]) ?? Infinity,
      ...(contextLength && { contextLength }),
    };
  });
}

function collected<T extends { readonly key: string }>(
  text: string,
  read: (entry: Fields) => T | undefined,
): ReadonlyMap<string, T> | undefined {
  const entries = entriesIn(jsonIn(text));
  if (!entries) return undefined;
  const models = new Map<string, T>();
  for (const entry of entries.slice(0, MAX_MODELS)) {
    const model = read(fieldsOf(entry));
    if (model && !models.has(model.key)) models.set(model.key, model);
  }
  return models;
}

/** Go writes an empty list as `null` where nobody minded. */
function entriesIn(answer: unknown): readonly unknown[] | undefined {
  const { models } = fieldsOf(answer);
  if (models === null) return [];
  return Array.isArray(models) ? models : undefined;
}

/** @returns `undefined` if it is no name that Ollama would give a model. */
function namesOf({ name, model }: Fields): { key: string; name: string } | undefined {
  const said = typeof name === "string" ? name : model;
  if (typeof said !== "string" || said.length > MAX_NAME_LENGTH) return undefined;
  const { key, name: parts, text } = toWanted(said);
  return parts && { key, name: text };
}

/** @returns Without what it was made by; empty if it is none. */
function digestOf(value: unknown): string {
  const [, hex = ""] = /^(?:sha256:)?([0-9a-f]{1,64})$/i.exec(typeof value === "string" ? value : "") ?? [];
  return hex.toLowerCase();
}

function countOf(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= MAX_BYTES ? Math.round(value) : undefined;
}

function wordOf(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > MAX_WORD_LENGTH) return undefined;
  return value.trim() || undefined;
}

/** @returns ms since 1970, `Infinity` for never; `undefined` if nobody can know. */
function momentOf(value: unknown): number | undefined {
  const date = new Date(wordOf(value) ?? NaN);
  const year = date.getUTCFullYear();
  if (Number.isNaN(year) || year < UNSET_YEAR) return undefined;
  return year > FOREVER_YEAR ? Infinity : date.getTime();
}

/** @returns 0 if nobody can know. */
function pastOf(value: unknown): number {
  const ms = momentOf(value) ?? 0;
  return ms === Infinity ? 0 : ms;
}

/** What is no object has no fields. */
function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? value as Fields : {};
}
