import { deepEqual, equal, ok } from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import type { Coordinator } from "../../lib/coordinator/coordinator.ts";
import { GatewayError } from "../../lib/errors.ts";
import type { AnswerEvents } from "../../lib/router/answer_stream.ts";
import { ResumedStream } from "../../lib/router/resumed_stream.ts";
import { explainFailure } from "../../lib/router/failure.ts";
import type { Route } from "../../lib/router/route.ts";
import { type Successor, successorAt } from "../../lib/router/successor.ts";
import { readVocabulary } from "../../lib/store/gguf_vocabulary.ts";
import { SseReader } from "../../lib/stream/sse_reader.ts";
import { readAll } from "../fakes/fake_answer_events.ts";
import { CoordinatorBed } from "./coordinator_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const llamaTest = await withLlamaCpp();

const QUESTION = { role: "user", content: "Tell me about the shelf" };
const CHAT = {
  stream: true,
  stream_options: { include_usage: true },
  temperature: 0,
  stop: "is never said", // behind each "his" and "this" the server waits for more: two tokens in one event
  max_tokens: 60,
};

llamaTest("a greedy stream cut anywhere, and more than once, goes on to the same end", async (programs) => {
  await using bed = await CoordinatorBed.create(programs, 0);
  await using coordinator = await bed.start(bed.launch(undefined));
  let joinedCount = 0;
  for (const messages of [[QUESTION], [QUESTION, { role: "assistant", content: " of a" }]]) {
    const body = new TextEncoder().encode(JSON.stringify({ ...CHAT, messages }));
    const wanted = shapeOf(await readAll(await successorOf(bed, coordinator).open(TARGET, body)));
    equal(wanted.usage[0]!.completion_tokens, 60);
    joinedCount += 62 - wanted.deltas.length;
    for (const cuts of [[0], [1], [2], [8], [20, 1, 13], [30, 30], [58], [59], [60], [61]]) {
      const got = shapeOf(await readAll(await cutStream(bed, coordinator, body, cuts)));
      deepEqual(got, wanted, `cut at ${cuts}`);
    }
  }
  ok(joinedCount > 0, "no two tokens came in one event");
});

const TARGET = "/v1/chat/completions";

/** A stream that breaks after so many events, and its continuations after so many of their own. */
async function cutStream(
  bed: CoordinatorBed,
  coordinator: Coordinator,
  body: Uint8Array<ArrayBuffer>,
  cuts: readonly number[],
): Promise<ResumedStream> {
  const deaths = cuts.map(() => new AbortController());
  const cut = (events: AnswerEvents, index: number) =>
    index < cuts.length ? new CutEvents(events, cuts[index]!, deaths[index]!) : events;
  const first = await successorOf(bed, coordinator).open(TARGET, body);
  let index = 0;
  return new ResumedStream({
    body,
    first: cut(first, 0),
    dead: deaths[0]!.signal,
    acquire: () => {
      const [successor, at] = [successorOf(bed, coordinator), ++index];
      return Promise.resolve({
        ...successor,
        dead: deaths[at]?.signal ?? successor.dead,
        open: async (target, body) => cut(await successor.open(target, body), at),
      });
    },
    readVocabulary: (signal) => readVocabulary(bed.modelPath, { signal }),
    clock: systemClock,
    commentEveryMs: 60_000,
    onBreak: (_error, _tokenCount, refusal) => equal(refusal, undefined),
    onEnd: (error) => equal(error, undefined),
  });
}

function successorOf(bed: CoordinatorBed, coordinator: Coordinator): Successor {
  const route: Route = {
    to: "coordinator",
    upstream: "a coordinator",
    triedAs: "sharded",
    modelName: undefined,
    address: coordinator.address,
    basePath: "",
    headers: [["authorization", `Bearer ${coordinator.apiKey}`]],
    process: coordinator,
    because: "it is the only one",
    queueMs: 0,
    loadMs: 0,
    [Symbol.dispose]: () => {},
  };
  const { signal } = new AbortController();
  const explain = (thrown: unknown) => explainFailure(thrown, route, signal);
  return successorAt(route, {
    dead: route.process!.dead,
    http: bed.http,
    connectTimeoutMs: 2_000,
    signal,
    explain,
  });
}

/** Events of a coordinator that dies behind one of them. */
class CutEvents implements AnswerEvents {
  readonly #reader = new SseReader();
  #left: string[] = [];
  #count = 0;

  constructor(
    private readonly events: AnswerEvents,
    private readonly eventCount: number,
    private readonly death: AbortController,
  ) {}

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#count++ === this.eventCount) {
      this.events.cancel();
      this.death.abort();
      throw new GatewayError("upstream_failed", "The coordinator died");
    }
    while (this.#left.length === 0) {
      const events = await this.events.read();
      if (events === null) return null;
      this.#left.push(...this.#reader.push(events).map(({ data }) => `data: ${data}\n\n`));
    }
    return new TextEncoder().encode(this.#left.shift());
  }

  cancel(): void {
    this.events.cancel();
  }
}

interface Chunk {
  readonly id: string;
  readonly model: string;
  readonly object: string;
  readonly system_fingerprint: string;
  readonly choices: readonly unknown[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

/** All that a client can tell one stream of this question from another by. */
function shapeOf({ text, error }: { text: string; error: unknown }) {
  equal(error, undefined);
  const data = new SseReader().push(new TextEncoder().encode(text)).map((event) => event.data);
  equal(data.pop(), "[DONE]");
  const chunks = data.map((line): Chunk => JSON.parse(line));
  const identities = chunks.map(({ id, model, object, system_fingerprint }) =>
    JSON.stringify([id, model, object, system_fingerprint])
  );
  equal(new Set(identities).size, 1, "a stream has one id");
  return {
    deltas: chunks.flatMap(({ choices }) => choices),
    usage: chunks.flatMap(({ usage }) => usage ?? []).map(({ prompt_tokens, completion_tokens }) => {
      return { prompt_tokens, completion_tokens };
    }),
  };
}
