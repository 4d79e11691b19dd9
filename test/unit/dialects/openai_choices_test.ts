import { deepEqual, equal, throws } from "node:assert/strict";
import type { Exchange, ExchangeFor, UpstreamFacts } from "../../../lib/dialects/exchange.ts";
import { chatChoices, completionChoices } from "../../../lib/dialects/openai_choices.ts";
import { decodeChatEnvelope, decodeCompletionEnvelope } from "../../../lib/dialects/openai_request.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const NODE: UpstreamFacts = {
  kind: "ollama",
  modelName: undefined,
  model: undefined,
  ask: () => Promise.reject(new TypeError("nobody asks")),
};

async function bodiesOf(choices: readonly ExchangeFor[] | undefined): Promise<string[] | undefined> {
  if (!choices) return undefined;
  const exchanges = await Promise.all(choices.map((exchange) => exchange(NODE)));
  return exchanges.map((exchange) => new TextDecoder().decode((exchange as Exchange).body));
}

const chat = (members: string) => {
  const body = encode(`{"messages":[{"role":"user","content":"a"}]${members}}`);
  return bodiesOf(chatChoices(body, decodeChatEnvelope(body)));
};
const completion = (members: string) => {
  const body = encode(`{${members}}`);
  return bodiesOf(completionChoices(body, decodeCompletionEnvelope(body)));
};
const CHAT = `"messages":[{"role":"user","content":"a"}]`;

for (const said of ["", `,"n":1`, `,"n":null`]) {
  Deno.test(`a chat with "${said}" wants one answer`, async () => equal(await chat(said), undefined));
}

for (
  const { name, got, want } of [
    {
      name: "answers are asked for one by one",
      got: () => chat(`,"n":2,"x":1.0`),
      want: [`{${CHAT},"n":1,"x":1.0}`, `{${CHAT},"n":1,"x":1.0}`],
    },
    {
      name: "a fixed seed counts up",
      got: () => chat(`,"n":3,"seed":7`),
      want: [7, 8, 9].map((seed) => `{${CHAT},"n":1,"seed":${seed}}`),
    },
    {
      name: "a seed that may be any stays so",
      got: () => chat(`,"n":2,"seed":-1`),
      want: [`{${CHAT},"n":1,"seed":-1}`, `{${CHAT},"n":1,"seed":-1}`],
    },
    {
      name: "what the upstream must be told otherwise is so in each",
      got: () => chat(`,"n":2,"max_completion_tokens":5`),
      want: [1, 2].map(() => `{"max_tokens":5,${CHAT},"n":1,"max_completion_tokens":5}`),
    },
    {
      name: "one prompt is asked for as it is",
      got: () => completion(`"prompt":"a","n":1`),
      want: undefined,
    },
    { name: "tokens are one prompt", got: () => completion(`"prompt":[1,2]`), want: undefined },
    {
      name: "prompts are asked for one by one",
      got: () => completion(`"prompt":["a", [1,2.0]],"seed":7`),
      want: [`{"prompt":"a","seed":7}`, `{"prompt":[1,2.0],"seed":7}`],
    },
    {
      name: "each prompt has its answers, one after the other",
      got: () => completion(`"n":2,"prompt":["a","b"],"seed":7`),
      want: [["a", 7], ["a", 8], ["b", 7], ["b", 8]].map(([prompt, seed]) =>
        `{"n":1,"prompt":"${prompt}","seed":${seed}}`
      ),
    },
    {
      name: "tokens have their answers, too",
      got: () => completion(`"prompt":[1,2],"n":2`),
      want: [`{"prompt":[1,2],"n":1}`, `{"prompt":[1,2],"n":1}`],
    },
  ]
) {
  Deno.test(`of several choices ${name}`, async () => deepEqual(await got(), want));
}

Deno.test("more choices than anybody gives are refused, with the numbers", () => {
  const body = encode(JSON.stringify({ prompt: Array.from({ length: 65 }, () => "a"), n: 2 }));
  throws(() => completionChoices(body, decodeCompletionEnvelope(body)), {
    code: "invalid_request",
    field: "prompt",
    message: /65 prompts with 2 answers each, which are more than 128 together/,
  });
});
