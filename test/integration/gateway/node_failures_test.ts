import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { FakeOllamaBehaviour, FakeOllamaMode } from "../../fakes/fake_ollama_mode.ts";
import { isWhole, NodeRouteBed, read } from "./node_route_bed.ts";

/** A way to fail, and what is made of it. */
interface Case {
  readonly name: string;
  readonly mode: FakeOllamaMode;
  readonly behaviour?: Partial<FakeOllamaBehaviour>;
  /** Of the node that failed. */
  readonly isBlamed: boolean;
  /** Only where the answer is no stream, or only where it is one. */
  readonly stream?: boolean;
}

const CASES: readonly Case[] = [
  { name: "answers 500", mode: "error_500", isBlamed: true },
  { name: "resets the connection before it answers", mode: "reset_before_answer", isBlamed: true },
  { name: "answers bytes that are no HTTP, and resets", mode: "error_500_after_headers", isBlamed: true },
  { name: "answers 200 with an error inside", mode: "error_in_200", isBlamed: true },
  { name: "answers with a page", mode: "html", isBlamed: true },
  { name: "answers with half a JSON object", mode: "truncated_json", stream: false, isBlamed: true },
  { name: "sends us elsewhere", mode: "redirect", isBlamed: true },
  { name: "announces more than comes", mode: "wrong_content_length", stream: false, isBlamed: true },
  { name: "sends chunks without the last one", mode: "chunks_without_end", stream: false, isBlamed: true },
  { name: "sends a megabyte of headers", mode: "huge_headers", isBlamed: true },
  { name: "breaks off in the middle", mode: "reset_mid_stream", stream: false, isBlamed: true },
  { name: "breaks off before its first token", mode: "reset_mid_stream", behaviour: { afterTokens: 0 }, isBlamed: true },
  { name: "loses its runner before the first token", mode: "runner_crash", behaviour: { afterTokens: 0 }, isBlamed: true },
  { name: "loses its runner", mode: "runner_crash", stream: false, isBlamed: true },
  { name: "has not got the model", mode: "model_missing", isBlamed: false },
  { name: "has too little memory", mode: "too_large", isBlamed: false },
  { name: "is too busy", mode: "busy_429", behaviour: { retryAfter: "30" }, isBlamed: false },
  { name: "has a full queue", mode: "busy_503", isBlamed: false },
];

for (const { name, mode, behaviour = {}, isBlamed, stream: only } of CASES) {
  for (const stream of only === undefined ? [false, true] : [only]) {
    Deno.test(`a node that ${name} is bettered by another one${stream ? ", for a stream" : ""}`, async () => {
      await using bed = await NodeRouteBed.open();
      bed.a.behave(mode, { ...behaviour, on: "inference" });
      const answer = await read(bed.chat({ stream }));
      ok(isWhole(answer), answer.text);
      equal(answer.headers.get("x-sollol-upstream"), "b");
      equal(answer.headers.get("x-sollol-attempts"), "2");
      await bed.untilIdle();
      deepEqual(bed.askedCounts, [1, 1]);
      deepEqual(bed.failedCounts, [isBlamed ? 1 : 0, 0]);
    });
  }
}

