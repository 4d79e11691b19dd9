import { deepEqual, equal, throws } from "node:assert/strict";
import { GgufMetadata, type GgufValue } from "../../../lib/gguf/metadata.ts";
import { formatShardName, parseShardName, splitOf } from "../../../lib/gguf/split.ts";

function splitKeys(no: number, count: number, tensorCount: number): GgufMetadata {
  return new GgufMetadata(
    new Map<string, GgufValue>([
      ["split.no", { type: "uint16", offset: 1, value: no }],
      ["split.count", { type: "uint16", offset: 2, value: count }],
      ["split.tensors.count", { type: "int32", offset: 3, value: tensorCount }],
    ]),
  );
}

Deno.test("splitOf() reads what a shard says of its model", () => {
  deepEqual(splitOf(splitKeys(1, 3, 724)), { index: 1, count: 3, tensorCount: 724 });
});

Deno.test("splitOf() takes a model without keys or of one shard for whole", () => {
  equal(splitOf(new GgufMetadata(new Map())), undefined);
  equal(splitOf(splitKeys(0, 1, 724)), undefined);
});

for (const [no, count, tensorCount] of [[3, 3, 1], [-1, 3, 1], [0, 100_000, 1], [0.5, 2, 1], [0, 2, -1]]) {
  Deno.test(`splitOf() refuses shard ${no} of ${count} with ${tensorCount} tensors`, () => {
    throws(
      () => splitOf(splitKeys(no!, count!, tensorCount!)),
      /its split\.[a-z.]+ is .*, expected 0 to \d+/,
    );
  });
}

Deno.test("parseShardName() and formatShardName() are inverse, and count from 1 in the name", () => {
  const path = "/models/70b-v1-00002-of-00010.gguf";
  const name = parseShardName(path)!;
  deepEqual(name, { prefix: "/models/70b-v1", index: 1, count: 10 });
  equal(formatShardName(name), path);
});

for (
  const name of [
    "model.gguf",
    "-00001-of-00003.gguf",
    "model-1-of-3.gguf",
    "model-00000-of-00003.gguf",
    "model-00004-of-00003.gguf",
    "model-00001-of-00003.bin",
  ]
) {
  Deno.test(`parseShardName() finds no shard in "${name}"`, () => equal(parseShardName(name), undefined));
}

Deno.test("splitOf() names the key that has another type", () => {
  const metadata = new GgufMetadata(new Map([["split.count", { type: "string", offset: 9, value: "3" }]]));
  throws(() => splitOf(metadata), /"split.count" is string/);
});
