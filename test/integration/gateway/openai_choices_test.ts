import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import OpenAI from "openai";
import { until } from "../../fixtures/until.ts";
import { askedOf, MODEL, NodeRouteBed, read } from "./node_route_bed.ts";

const HI = { model: MODEL, messages: [{ role: "user" as const, content: "hi" }] };
const clientOf = ({ gateway }: NodeRouteBed) =>
  new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "unused", maxRetries: 0 });

Deno.test("several answers come as choices of one, from wherever there is room", async () => {
  await using bed = await NodeRouteBed.open([{ firstTokenMs: 30 }, {}]);
  const { choices, usage, model } = await clientOf(bed).chat.completions.create({ ...HI, n: 4, seed: 7 });
  deepEqual(choices.map(({ index }) => index), [0, 1, 2, 3]);
  ok(choices.every(({ message, finish_reason }) => message.content && finish_reason));
  equal(model, MODEL);
  ok(usage!.completion_tokens >= 4 * 16);
  equal(bed.askedCounts[0]! + bed.askedCounts[1]!, 4);
  await bed.untilIdle();
  equal(bed.gateway.requestLines.length, 1);
  equal(bed.gateway.requestLines[0]!["attemptCount"], 4);
});

for (const slotCount of [1, 4]) {
  Deno.test(`several answers come as one stream, from a node with ${slotCount} slots`, async () => {
    await using bed = await NodeRouteBed.open([{ settings: { slotCount } }]);
    const asked = { ...HI, n: 3, stream: true as const, stream_options: { include_usage: true } };
    const texts = ["", "", ""];
    let usageCount = 0;
    const ids = new Set<string>();
    for await (const { id, choices, usage } of await clientOf(bed).chat.completions.create(asked)) {
      ids.add(id);
      for (const { index, delta } of choices) texts[index] += delta.content ?? "";
      if (usage) usageCount++;
    }
    ok(texts.every((text) => text.includes("word15")), JSON.stringify(texts));
    deepEqual([usageCount, ids.size], [1, 1]);
    await bed.untilIdle();
    equal(bed.gateway.requestLines.length, 1);
    equal(bed.gateway.requestLines[0]!["outcome"], "ok");
  });
}

Deno.test("prompts in a list are answered one by one", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  const { choices } = await clientOf(bed).completions.create({ model: MODEL, prompt: ["a", "b"], n: 2 });
  deepEqual(choices.map(({ index }) => index), [0, 1, 2, 3]);
  equal(askedOf(bed.a).length, 4);
});

Deno.test("a choice that breaks ends the stream with an error", async () => {
  await using bed = await NodeRouteBed.open([{}]);
  bed.a.behave("reset_mid_stream", { afterTokens: 3, times: 1 });
  const { text } = await read(bed.chat({ n: 2, stream: true }));
  match(text.split("\n\n").at(-2)!, /^data: \{"error":\{"message":/);
  ok(!text.includes("[DONE]"));
  await bed.untilIdle();
});

Deno.test("when the client leaves all choices end", async () => {
  await using bed = await NodeRouteBed.open([{ settings: { slotCount: 3 } }, { settings: { slotCount: 1 } }]);
  for (const fake of bed.fakes) fake.behave("hang_inference");
  const leaving = new AbortController();
  const asked = read(bed.chat({ n: 6, stream: true }, { signal: leaving.signal }));
  await until(() => bed.a.inFlight + bed.b.inFlight === 4, "all slots are taken");
  leaving.abort();
  await rejects(asked);
  await bed.untilIdle();
});
