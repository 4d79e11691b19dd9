import { deepEqual, equal, throws } from "node:assert/strict";
import { GgufSyntaxError } from "../../../lib/gguf/errors.ts";
import { GgufMetadata, type GgufValue } from "../../../lib/gguf/metadata.ts";
import { traitsOf } from "../../../lib/gguf/model_traits.ts";

function metadataOf(values: Record<string, number | boolean | string>): GgufMetadata {
  const entries = Object.entries(values).map(([key, value]): [string, GgufValue] => {
    if (typeof value === "string") return [key, { type: "string", offset: 0, value }];
    const type = typeof value === "boolean" ? "bool" : "uint32";
    return [key, { type, offset: 0, value: Number(value) }];
  });
  return new GgufMetadata(new Map(entries));
}

const traits = (values: Record<string, number | boolean | string>, architecture = "llama") =>
  traitsOf(metadataOf(values), architecture);

Deno.test("traitsOf() finds a model that only talks", () => {
  deepEqual(traits({}), { pooling: undefined, hasVision: false, hasAudio: false, canInfill: false });
});

for (
  const [number, pooling] of [[0, "none"], [1, "mean"], [2, "cls"], [3, "last"], [4, "rank"], [
    9,
    "mean",
  ]] as const
) {
  Deno.test(`traitsOf() reads pooling ${number} as ${pooling}`, () => {
    equal(traits({ "bert.pooling_type": number }, "bert").pooling, pooling);
  });
}

Deno.test("traitsOf() takes the pooling of another architecture for none", () => {
  equal(traits({ "bert.pooling_type": 1 }).pooling, undefined);
});

Deno.test("traitsOf() refuses a pooling that is no number", () => {
  throws(() => traits({ "bert.pooling_type": "mean" }, "bert"), GgufSyntaxError);
});

Deno.test("traitsOf() sees eyes and ears in the model's own file", () => {
  const { hasVision, hasAudio } = traits(
    { "gemma3.vision.block_count": 27, "gemma3.audio.block_count": 2 },
    "gemma3",
  );
  deepEqual([hasVision, hasAudio], [true, true]);
});

Deno.test("traitsOf() knows what a projector adds; one that does not say sees", () => {
  const { hasVision, hasAudio } = traits(
    { "clip.has_vision_encoder": false, "clip.has_audio_encoder": true },
    "clip",
  );
  deepEqual([hasVision, hasAudio], [false, true]);
  deepEqual([traits({}, "clip").hasVision, traits({}, "clip").hasAudio], [true, false]);
});

for (const key of ["tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id"]) {
  Deno.test(`traitsOf() takes ${key} for the sign that the model fills in`, () => {
    equal(traits({ [key]: 5 }).canInfill, true);
  });
}
