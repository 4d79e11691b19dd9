import { deepEqual, equal } from "node:assert/strict";
import { createLogger } from "../../../lib/log.ts";
import { ConflictLog } from "../../../lib/nodes/conflict_log.ts";
import type { DigestHolder } from "../../../lib/nodes/digest_conflicts.ts";
import { parseModels } from "../../../lib/nodes/node_answers.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";

function holder(name: string, digests: Record<string, string>): DigestHolder {
  const models = Object.entries(digests).map(([model, digest]) => ({ name: model, digest }));
  return { name, models: parseModels(JSON.stringify({ models }))! };
}

Deno.test("each conflict is logged once, again if it is another one, and again after it was in order", () => {
  const lines: Record<string, unknown>[] = [];
  const log = new ConflictLog(createLogger({ sink: (line) => lines.push(JSON.parse(line)) }));
  const { key } = toWanted("x");
  const look = (...digests: string[]) =>
    log.look([key], () => digests.map((digest, index) => holder(`n${index}`, { x: digest })));
  look("11", "22");
  look("11", "22");
  look("22", "11");
  equal(lines.length, 1);
  equal(lines[0]!["digests"], "n0 has 11, n1 has 22");
  look("11", "33", "33");
  equal(lines.at(-1)!["digests"], "n1 and n2 have 33, n0 has 11");
  look("11", "11");
  deepEqual(log.keys, []);
  look("11", "33");
  equal(lines.length, 3);
});

Deno.test("two nodes that differ in a thousand models make five lines", () => {
  const lines: Record<string, unknown>[] = [];
  const log = new ConflictLog(createLogger({ sink: (line) => lines.push(JSON.parse(line)) }));
  const names = Array.from({ length: 1_000 }, (_, index) => `m${index}`);
  const nodes = ["1", "2"].map((digest) =>
    holder(digest, Object.fromEntries(names.map((name) => [name, digest])))
  );
  log.look(names.map((name) => toWanted(name).key), () => nodes);
  deepEqual(lines.map((line) => line["moreCount"]), [undefined, undefined, undefined, undefined, 995]);
});
