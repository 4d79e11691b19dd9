/** Something that is often found where a GGUF should be. */
export interface ForeignFormat {
  /** With its article: `a Git LFS pointer`. */
  readonly name: string;
  /** What to do, as an order. */
  readonly advice: string;
}

/** Bytes that {@linkcode foreignFormatOf} wants to see from the start of a file. */
export const FOREIGN_HEAD_BYTES = 512;

const CONVERT = "convert it with llama.cpp's convert_hf_to_gguf.py, or download a GGUF";

const SUSPECTS: readonly [RegExp, ForeignFormat][] = [
  [/^version https:\/\/git-lfs/, {
    name: "a Git LFS pointer, not the model itself",
    advice: `run "git lfs pull" where it was cloned`,
  }],
  [/^\s*(<!doctype html|<html)/i, {
    name: "an HTML page, probably a login or error page saved as a model",
    advice: "download it again, with a token if the model is gated",
  }],
  // Written as one little-endian word, so that the letters are reversed on disk.
  [/^(lmgg|fmgg|tjgg|algg|ggml|ggmf|ggjt|ggla)/, {
    name: "a model in a GGML format from before August 2023",
    advice: "download it as GGUF; llama.cpp reads nothing older",
  }],
  [/^PK/, { name: "a PyTorch checkpoint or another zip archive", advice: CONVERT }],
  [/^[^]{8}\{/, { name: "a safetensors file", advice: CONVERT }],
];

/** Names a file that is no GGUF by how it starts, if it is one of the usual suspects. */
export function foreignFormatOf(head: Uint8Array): ForeignFormat | undefined {
  const text = String.fromCharCode(...head.subarray(0, FOREIGN_HEAD_BYTES)); // one character a byte
  return SUSPECTS.find(([pattern]) => pattern.test(text))?.[1];
}
