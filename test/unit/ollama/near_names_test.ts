import { deepEqual } from "node:assert/strict";
import { nearNames } from "../../../lib/ollama/near_names.ts";

const NAMES = ["llama3.1:8b", "llama3.1:70b", "qwen2.5:32b", "phi3:latest", "hf.co/u/r:Q8_0", "llama3.1:8b"];

for (
  const [wanted, want] of [
    ["llama3.1:8", ["llama3.1:8b", "llama3.1:70b"]],
    ["LLAMA3.1:8B", ["llama3.1:8b", "llama3.1:70b"]],
    ["phi3", ["phi3:latest"]],
    ["qwen", ["qwen2.5:32b"]],
    ["something else entirely", []],
    ["", []],
  ] as const
) {
  Deno.test(`near "${wanted}" are ${want.join(", ") || "none"}`, () => {
    deepEqual(nearNames(wanted, NAMES), want);
  });
}

Deno.test("three are told unless said otherwise, the most alike first", () => {
  const names = ["m:1234", "m:123", "m:12345", "m:12"];
  deepEqual(nearNames("m:1", names), ["m:12", "m:123", "m:1234"]);
  deepEqual(nearNames("m:1", names, 1), ["m:12"]);
});

Deno.test("neither endless names nor endless lists are compared to their end", () => {
  const others = Array.from({ length: 2_000 }, (_, index) => `something else ${index}`);
  deepEqual(nearNames("m:8b", ["m:8b", ...others]), ["m:8b"]);
  deepEqual(nearNames("m:8b", [...others, "m:8b"]), []);
  const long = "m".repeat(200);
  deepEqual(nearNames(`${long}${"x".repeat(100_000)}`, [`${long}${"y".repeat(100_000)}`]).length, 1);
});
