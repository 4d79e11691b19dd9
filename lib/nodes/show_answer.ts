import { GgufSyntaxError } from "../gguf/errors.ts";
import { GgufMetadata, type GgufValue } from "../gguf/metadata.ts";
import { describeModel, type GgufModel } from "../gguf/model_info.ts";
import { tensorBytes, tensorTypeByName } from "../gguf/tensor_types.ts";
import type { GgufTensor } from "../gguf/tensors.ts";
import { jsonIn } from "../json_text.ts";
import { decodeParams, type ModelParams } from "../ollama/params.ts";

/** What a node's `/api/show` tells of a model, as far as its memory depends on it. */
export interface ShownModel {
  /** What its GGUF says; an Ollama from before 0.9 tells no tensors, and all weights are 0 then. */
  readonly content: GgufModel;
  /** `num_ctx`, if it is stored with one. */
  readonly params: Pick<ModelParams, "num_ctx">;
  /** Number of its parameters, where it is told. */
  readonly parameterCount: number | undefined;
}

/** Longer arrays belong to the vocabulary; Ollama leaves out those of more than 1024 elements unless asked. */
const MAX_ARRAY_LENGTH = 4096;
const MAX_PARAMETERS = 1e15;
const MAX_DIMS = 4;
const MAX_DIM = 2 ** 48;

/**
 * Reads the answer to `POST /api/show`.
 *
 * @returns `undefined` if it is none, or tells too little of the model, as of one that runs in a cloud.
 * @see `ShowResponse` in api/types.go and `getModelData` in server/routes.go, ollama 0.33
 */
export function readShowAnswer(text: string): ShownModel | undefined {
  const answer = jsonIn(text);
  const info = isObject(answer) ? answer["model_info"] : undefined;
  if (!isObject(answer) || !isObject(info)) return undefined;
  try {
    const content = describeModel(headerOf(metadataOf(info), tensorsOf(answer["tensors"])));
    if (content.kind !== "model") return undefined;
    return { content, params: paramsOf(answer["parameters"]), parameterCount: parameterCountOf(info) };
  } catch (error) {
    if (error instanceof GgufSyntaxError) return undefined;
    throw error;
  }
}

/** The keys as a GGUF holds them; what is null or of no such type is left out, as if it were missing. */
function metadataOf(info: Record<string, unknown>): GgufMetadata {
  const values = Object.entries(info).flatMap(([key, value]) => {
    const entry = valueOf(value);
    return entry ? [[key, entry] as const] : [];
  });
  return new GgufMetadata(new Map(values));
}

function valueOf(value: unknown): GgufValue | undefined {
  if (typeof value === "string") return { type: "string", offset: 0, value };
  if (typeof value === "boolean") return { type: "bool", offset: 0, value: Number(value) };
  if (typeof value === "number") return { type: "float64", offset: 0, value };
  return Array.isArray(value) && value.length <= MAX_ARRAY_LENGTH ? arrayOf(value) : undefined;
}

function arrayOf(elements: readonly unknown[]): GgufValue {
  const isNumeric = elements.every((element) => typeof element === "number" || typeof element === "boolean");
  const numbers = isNumeric ? elements.map(Number) : undefined;
  const place = { startOffset: 0, endOffset: 0 };
  const of = isNumeric ? "float64" : "string";
  return { type: "array", offset: 0, value: { of, count: elements.length, ...place, numbers } };
}

function headerOf(
  metadata: GgufMetadata,
  tensors: readonly GgufTensor[],
): Parameters<typeof describeModel>[0] {
  return { version: 3, metadata, tensors, alignment: 32, dataOffset: 0, warnings: [] };
}

/** Without them widths are those of the keys: none are better than some. */
function tensorsOf(listed: unknown): GgufTensor[] {
  const tensors = Array.isArray(listed) ? listed.map(tensorOf) : [];
  return tensors.every((tensor) => tensor !== undefined) ? tensors : [];
}

function tensorOf(listed: unknown): GgufTensor | undefined {
  if (!isObject(listed)) return undefined;
  const { name, type, shape } = listed;
  const known = typeof type === "string" ? tensorTypeByName(type) : undefined;
  if (typeof name !== "string" || !known || !isShape(shape)) return undefined;
  return { name, dims: shape, type: known, offset: 0, sizeBytes: tensorBytes(known, shape) };
}

function isShape(shape: unknown): shape is number[] {
  return Array.isArray(shape) && shape.length <= MAX_DIMS &&
    shape.every((length) => Number.isInteger(length) && length >= 1 && length <= MAX_DIM);
}

/** One option a line, its name before spaces; Go writes a million as `1e+06`. */
function paramsOf(parameters: unknown): ShownModel["params"] {
  if (typeof parameters !== "string") return {};
  const told = /^num_ctx[ \t]+(\d{1,15}(?:\.\d{1,15})?(?:e\+\d{2})?)[ \t]*$/m.exec(parameters)?.[1];
  if (told === undefined) return {};
  const { num_ctx } = decodeParams({ num_ctx: Number(told) }).params;
  return num_ctx === undefined ? {} : { num_ctx };
}

function parameterCountOf(info: Record<string, unknown>): number | undefined {
  const count = info["general.parameter_count"];
  const isCount = typeof count === "number" && Number.isInteger(count) && count > 0 &&
    count <= MAX_PARAMETERS;
  return isCount ? count : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
