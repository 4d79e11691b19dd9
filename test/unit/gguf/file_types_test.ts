import { equal } from "node:assert/strict";
import { fileTypeName } from "../../../lib/gguf/file_types.ts";

for (
  const [fileType, name] of [
    [0, "F32"],
    [15, "Q4_K_M"],
    [32, "BF16"],
    [38, "MXFP4_MOE"],
    [41, "Q2_0"],
    [1024 + 15, "Q4_K_M"],
    [4, undefined],
    [34, undefined],
    [42, undefined],
    [-1, undefined],
  ] as const
) {
  Deno.test(`fileTypeName() calls ${fileType} ${name}`, () => equal(fileTypeName(fileType), name));
}
