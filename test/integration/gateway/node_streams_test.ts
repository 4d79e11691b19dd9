import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { until } from "../../fixtures/until.ts";
import { assertBroken, NodeRouteBed, OddNode, read } from "./node_route_bed.ts";

/** Tokens come so slowly that a test can act between them. */
const SLOW = { tokensPerSecond: 50 };

Deno.test("a stream of a node passes through byte for byte", async () => {
  const text = `data: {"model":"x","choices":[{"delta":{"role":"assistant","content":"a"}}]}\n\n` +
    `data: {"choices":[],"usage":{}}\n\ndata: [DONE]\n\n`;
  await using odd = new OddNode(() =>
    new Response(text, { headers: { "content-type": "text/event-stream" } })
  );
  await using bed = await NodeRouteBed.open([odd]);
  equal((await read(bed.chat({ stream: true }))).text, text);
});

for (
  const { name, mode, why } of [
    { name: "resets", mode: "reset_mid_stream", why: /a broke off: .*; 3 tokens had been delivered/ },
    {
      name: "loses its runner",
      mode: "runner_crash",
      why: /ended early, after 4 events; .*; 3 tokens had been/,
    },
  ] as const
) {
  Deno.test(`a node that ${name} after its first token ends the stream with an error, and nobody else is asked`, async () => {
    await using bed = await NodeRouteBed.open([SLOW, {}]);
    bed.a.behave(mode);
    const answer = await read(bed.chat({ stream: true }));
    assertBroken(answer, why);
    ok(!answer.text.includes("[DONE]"));
    await bed.untilIdle();
    deepEqual([bed.askedCounts, bed.failedCounts], [[1, 0], [1, 0]]);
    const { outcome, upstream, attemptCount } = bed.gateway.requestLines[0]!;
    deepEqual([outcome, upstream, attemptCount], ["failed", "a", 1]);
  });
}

Deno.test("a node that dies amid a stream ends it with an error", async () => {
  await using bed = await NodeRouteBed.open([SLOW, {}]);
  const asked = read(bed.chat({ stream: true }));
  await until(() => bed.a.inFlight === 1, "the stream's begin");
  await until(() => bed.gateway.nodes.nodes[0]!.firstTokenMs !== undefined, "its first token");
  await bed.a.stop();
  assertBroken(await asked, /a broke off: /);
  await bed.untilIdle();
});

Deno.test("an error that a node itself tells amid a stream is the client's, and nothing is measured by it", async () => {
  const text = `data: {"model":"x","choices":[{"delta":{"content":"a"}}]}\n\n`;
  const failure = `data: {"error":{"message":"no more"}}\n\n`;
  const answer = () => {
    const parts = new TransformStream<Uint8Array, Uint8Array>();
    void send(parts.writable.getWriter(), [text, failure]);
    return new Response(parts.readable, { headers: { "content-type": "text/event-stream" } });
  };
  await using odd = new OddNode(answer);
  await using bed = await NodeRouteBed.open([odd]);
  equal((await read(bed.chat({ stream: true }))).text, text + failure);
  await bed.untilIdle();
  equal(bed.gateway.nodes.views()[0]!.servedCount, 0);
});

async function send(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  parts: readonly string[],
): Promise<void> {
  for (const part of parts) {
    await writer.write(new TextEncoder().encode(part));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await writer.close();
}

/** When a client leaves. */
interface Leaving {
  readonly name: string;
  readonly stream: boolean;
  /** Prepares the nodes. */
  readonly prepare?: (bed: NodeRouteBed) => Promise<unknown> | void;
  readonly settings?: { readonly slotCount: number };
  /** Whether it is that far. */
  readonly isThere: (bed: NodeRouteBed) => boolean | Promise<boolean>;
}

async function waitingCountOf(bed: NodeRouteBed): Promise<number> {
  return (await bed.get("/health")).body.waitingCount;
}

const AT_WORK = (bed: NodeRouteBed) => bed.a.inFlight === 1;

const LEAVINGS: readonly Leaving[] = [
  {
    name: "waits in line for a slot",
    stream: false,
    settings: { slotCount: 1 },
    prepare: async (bed) => {
      bed.a.behave("hang_inference");
      void read(bed.chat()).catch(() => {}); // ended by the end of the bed
      await until(() => AT_WORK(bed), "the slot is taken");
    },
    isThere: async (bed) => await waitingCountOf(bed) === 1,
  },
  {
    name: "waits for the head",
    stream: false,
    prepare: ({ a }) => a.behave("hang_inference"),
    isThere: AT_WORK,
  },
  {
    name: "waits for the first token",
    stream: true,
    prepare: ({ a }) => a.behave("hang_inference"),
    isThere: AT_WORK,
  },
  {
    name: "reads a stream",
    stream: true,
    isThere: (bed) => bed.gateway.nodes.nodes[0]!.firstTokenMs !== undefined,
  },
];
for (const { name, stream, prepare, settings, isThere } of LEAVINGS) {
  Deno.test(`a client that leaves while it ${name} frees what it had, and is no fault of the node`, async () => {
    await using bed = await NodeRouteBed.open([{ tokensPerSecond: 10, ...(settings && { settings }) }]);
    await prepare?.(bed);
    const left = new AbortController();
    const asked = read(bed.chat({ stream }, { signal: left.signal }));
    asked.catch(() => {});
    await until(() => isThere(bed), "the request is that far");
    left.abort();
    await rejects(asked);
    await until(() => bed.gateway.requestLines.length === 1, "its end");
    equal(bed.gateway.requestLines[0]!["outcome"], "client_closed");
    bed.a.behave("ok");
    await bed.untilIdle();
    deepEqual(bed.failedCounts, [0]);
  });
}

Deno.test("a client that leaves after one node has failed it is not served by another", async () => {
  const settings = { slotCount: 1 };
  await using bed = await NodeRouteBed.open([{ settings }, { settings, tokensPerSecond: 5 }]);
  bed.a.behave("error_500");
  const first = new AbortController();
  const busy = read(bed.chat({ stream: true }, { headers: { "x-sollol-route": "b" }, signal: first.signal }));
  busy.catch(() => {});
  await until(() => bed.b.inFlight === 1, "the other node is busy");
  const left = new AbortController();
  const asked = read(bed.chat({}, { signal: left.signal }));
  asked.catch(() => {});
  await until(
    async () => await waitingCountOf(bed) === 1,
    "it waits for b",
  );
  left.abort();
  await rejects(asked);
  first.abort();
  await bed.untilIdle();
  deepEqual([bed.askedCounts, bed.failedCounts], [[1, 1], [0, 0]]);
});

for (const stream of [false, true]) {
  Deno.test(`no answer within timeouts.first_byte is 504, and gives all back${stream ? " (stream)" : ""}`, async () => {
    await using bed = await NodeRouteBed.open([{}], { config: "timeouts: { first_byte: 200ms }" });
    bed.a.behave("hang_inference");
    const { status, text } = await read(bed.chat({ stream }));
    equal(status, 504);
    ok(text.includes("No answer began within 200 ms (timeouts.first_byte), over all attempts"), text);
    await until(() => bed.gateway.nodes.nodes[0]!.inFlightCount === 0, "the slot is free");
    deepEqual(bed.failedCounts, [1]);
    bed.a.behave("ok");
    await bed.untilIdle();
  });
}

Deno.test("timeouts.first_byte does not end a stream that has begun", async () => {
  await using bed = await NodeRouteBed.open([{ tokensPerSecond: 50 }], {
    config: "timeouts: { first_byte: 200ms }",
  });
  const { text } = await read(bed.chat({ stream: true }));
  ok(text.endsWith("data: [DONE]\n\n"), text);
});

Deno.test("timeouts.first_byte counts the wait in line, too", async () => {
  await using bed = await NodeRouteBed.open([{ settings: { slotCount: 1 } }], {
    config: "timeouts: { first_byte: 300ms }",
  });
  bed.a.behave("hang_inference");
  const answers = await Promise.all([read(bed.chat()), read(bed.chat())]);
  deepEqual(answers.map(({ status }) => status), [504, 504]);
  bed.a.behave("ok");
  await bed.untilIdle();
});

Deno.test("forty clients at two slots each are served one after the other, and no node gets more than it is to", async () => {
  const wish = { settings: { slotCount: 2 }, firstTokenMs: 5 };
  await using bed = await NodeRouteBed.open([wish, wish]);
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, at) => read(bed.chat({ stream: at % 2 === 0 }))),
  );
  deepEqual(answers.map(({ status }) => status), Array(40).fill(200));
  ok(bed.fakes.every(({ peakInFlight }) => peakInFlight <= 2));
  ok(bed.askedCounts.every((count) => count >= 10), `${bed.askedCounts}`);
  await bed.untilIdle();
});

Deno.test("a node that is killed and comes back costs no request", async () => {
  const wish = { firstTokenMs: 5 };
  await using bed = await NodeRouteBed.open([wish, wish, wish]);
  let isOver = false;
  const statuses: number[] = [];
  const client = async () => {
    while (!isOver) statuses.push((await read(bed.chat())).status);
  };
  const clients = Array.from({ length: 8 }, client);
  await until(() => statuses.length > 10, "some answers");
  await bed.a.stop();
  const before = statuses.length;
  await until(() => statuses.length > before + 30, "answers without it");
  await bed.a.startAgain();
  bed.a.forget();
  await until(() => bed.askedCounts[0]! > 0, "answers of the one that is back", { withinMs: 5_000 });
  isOver = true;
  await Promise.all(clients);
  deepEqual(statuses.filter((status) => status !== 200), []);
  await bed.untilIdle();
});
