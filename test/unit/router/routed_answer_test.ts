import { deepEqual, equal } from "node:assert/strict";
import type { DialectName } from "../../../lib/dialects/client_dialect.ts";
import type { Answer, AnswerReport } from "../../../lib/router/answer.ts";
import { withRoutingNote } from "../../../lib/router/routed_answer.ts";
import { FakeAnswerEvents, readAll } from "../../fakes/fake_answer_events.ts";

const REPORT: AnswerReport = {
  to: "node",
  upstream: "gpu1",
  url: "http://gpu1:11434",
  because: "it is loaded there",
  attemptCount: 2,
  queueMs: 1.6,
  loadMs: 0,
  durationMs: 3,
  modelName: undefined,
};

const encode = (text: string) => new TextEncoder().encode(text);

function told(
  answer: Omit<Answer, "headers" | "report">,
  report: Partial<AnswerReport> = {},
  dialect: DialectName = "openai",
): Answer {
  return withRoutingNote({ headers: [], report: { ...REPORT, ...report }, ...answer }, dialect, () => 7.4);
}

function noteIn({ body }: Answer): unknown {
  return JSON.parse(new TextDecoder().decode(body as Uint8Array))._routing;
}

const SAME = { attempts: 2, queue_ms: 2, load_ms: 0, duration_ms: 7, because: "it is loaded there" };

for (
  const { name, report, note } of [
    { name: "a node", report: {}, note: { backend: "ollama-pool", node: "gpu1", ...SAME } },
    {
      name: "a node that calls the model otherwise",
      report: { modelName: "m:1" },
      note: { backend: "ollama-pool", node: "gpu1", model: "m:1", ...SAME },
    },
    {
      name: "a coordinator",
      report: { to: "coordinator", upstream: "c", url: "http://127.0.0.1:1" },
      note: { backend: "llama.cpp-distributed", coordinator_url: "http://127.0.0.1:1", ...SAME },
    },
    {
      name: "a coordinator at a socket, without its path",
      report: { to: "coordinator", upstream: "c", url: "unix:/tmp/run/http.sock" },
      note: { backend: "llama.cpp-distributed", ...SAME },
    },
  ] as const
) {
  Deno.test(`an answer of ${name} tells so`, () => {
    deepEqual(noteIn(told({ status: 200, body: encode("{}") }, report)), note);
  });
}

Deno.test("a refusal stays as it is", () => {
  const body = encode(`{"error":{}}`);
  equal(told({ status: 400, body }).body, body);
});

Deno.test("a stream tells it when it ends, and one that breaks never does", async () => {
  const events = (steps: ConstructorParameters<typeof FakeAnswerEvents>[0]) =>
    told({ status: 200, body: new FakeAnswerEvents(steps) }).body as FakeAnswerEvents;
  const whole = await readAll(events(["data: 1\n\n", "data: [DONE]\n\n"]));
  equal(JSON.parse(whole.text.split("\n\n")[1]!.slice(6))._routing.duration_ms, 7);
  const broken = new Error("broken");
  deepEqual(await readAll(events(["data: 1\n\n", broken])), { text: "data: 1\n\n", error: broken });
});

Deno.test("a stream of Ollama's tells it in its last line, one of Anthropic's has no place for it", async () => {
  const lines = [`{"response":"x","done":false}\n`, `{"response":"","done":true}\n`];
  const read = (dialect: DialectName) =>
    readAll(told({ status: 200, body: new FakeAnswerEvents(lines) }, {}, dialect).body as FakeAnswerEvents);
  const { text } = await read("ollama");
  const [first, last] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  deepEqual([first, last.done, last._routing.duration_ms], [{ response: "x", done: false }, true, 7]);
  equal((await read("anthropic")).text, lines.join(""));
});

Deno.test("who leaves a stream leaves the one behind it", () => {
  const behind = new FakeAnswerEvents(["silence"]);
  (told({ status: 200, body: behind }).body as FakeAnswerEvents).cancel();
  equal(behind.isCancelled, true);
});
