import Anthropic from "@anthropic-ai/sdk";
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { eventually } from "../eventually.ts";
import { type CompatBed, MODELS } from "./compat_bed.ts";
import { REPORT } from "./compat_client.ts";

/** What one client alone knows. */
export interface OwnCase {
  /** As its package is called. */
  readonly client: string;
  readonly feature: string;
  /** Where it makes no sense: why. */
  readonly lacks?: Partial<Record<CompatBed["kind"], string>>;
  run(bed: CompatBed): Promise<void>;
}

const WORDS = /[a-z]{2,}/;
const MANAGEMENT = { lacks: { sharded: "nodes alone are told to get or drop models" } };

/** In the order in which they are tried. */
export const OWN_CASES: readonly OwnCase[] = [
  ollama("generate", async (client) => {
    const asked = { model: MODELS.tools, prompt: "Tell me", options: { num_predict: 6 } };
    const whole = await client.generate({ ...asked, stream: false });
    match(whole.response ?? "", WORDS);
    deepEqual([whole.done_reason, whole.eval_count], ["length", 6]);
    const parts = await Array.fromAsync(await client.generate({ ...asked, stream: true }));
    equal(parts.filter(({ response }) => response !== "").length, 6);
    ok(parts.at(-1)!.done && parts.at(-1)!.total_duration > 0);
  }),
  ollama("generate in a form", async (client) => {
    const { response } = await client.generate({
      model: MODELS.tools,
      prompt: "Tell me",
      format: REPORT,
      options: { num_predict: 200 },
      stream: false,
    });
    equal(JSON.parse(response ?? "").city, "Paris");
  }),
  ollama("show", async (client) => {
    const shown = await client.show({ model: MODELS.tools });
    ok(shown.capabilities.includes("tools"), `${shown.capabilities}`);
    equal((shown.model_info as unknown as Record<string, unknown>)["general.architecture"], "llama");
    await rejects(client.show({ model: "calller" }), { name: "ResponseError", status_code: 404 });
  }),
  ollama("load, ps, unload", async (client) => {
    const names = async () => (await client.ps()).models.map(({ name }) => name);
    const asked = { model: MODELS.tools, stream: false as const, prompt: "" };
    equal((await client.generate({ ...asked, keep_alive: "5m" })).done_reason, "load");
    const { models } = await client.ps();
    const loaded = models.find(({ name }) => name === `${MODELS.tools}:latest`);
    ok(
      loaded && loaded.size > 0 && new Date(loaded.expires_at).getTime() > Date.now(),
      JSON.stringify(models),
    );
    equal((await client.generate({ ...asked, keep_alive: 0 })).done_reason, "unload");
    await eventually("it has left memory", async () => !(await names()).includes(`${MODELS.tools}:latest`));
  }),
  ollama("version", async (client) => match((await client.version()).version, /^\d+\.\d+/)),
  {
    ...MANAGEMENT,
    ...ollama("pull", async (client) => {
      const stream = await client.pull({ model: "fetched", stream: true });
      const states = (await Array.fromAsync(stream)).map(({ status }) => status);
      deepEqual([states[0], states.at(-1)], ["pulling manifest", "success"]);
      ok((await client.show({ model: "fetched" })).details.family !== "");
    }),
  },
  {
    ...MANAGEMENT,
    ...ollama("copy and delete", async (client) => {
      const names = async () => (await client.list()).models.map(({ name }) => name);
      await client.copy({ source: MODELS.tools, destination: "twin" });
      ok((await names()).includes("twin:latest"));
      await client.delete({ model: "twin" });
      ok(!(await names()).includes("twin:latest"));
    }),
  },
  {
    client: "openai",
    feature: "completions",
    async run({ url }) {
      const { completions } = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
      const asked = { model: MODELS.tools, prompt: "Tell me", max_tokens: 6 };
      const { choices, usage } = await completions.create(asked);
      match(choices[0]!.text, WORDS);
      equal(usage?.completion_tokens, 6);
      const chunks = await Array.fromAsync(await completions.create({ ...asked, stream: true }));
      match(chunks.map((chunk) => chunk.choices[0]?.text ?? "").join(""), WORDS);
    },
  },
  {
    client: "openai",
    feature: "tool_choice by name",
    async run({ url }) {
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
      const tool = (name: string) => ({
        type: "function" as const,
        function: { name, parameters: structuredClone(REPORT) as unknown as Record<string, unknown> },
      });
      const { choices } = await client.chat.completions.create({
        model: MODELS.tools,
        messages: [{ role: "user", content: "Tell me" }],
        max_tokens: 300,
        tools: [tool("first"), tool("second")],
        tool_choice: { type: "function", function: { name: "second" } },
      });
      const [call] = choices[0]!.message.tool_calls!;
      ok(call?.type === "function");
      deepEqual([call.function.name, JSON.parse(call.function.arguments).city], ["second", "Paris"]);
    },
  },
  {
    client: "@anthropic-ai/sdk",
    feature: "count_tokens",
    async run({ url }) {
      const { messages } = new Anthropic({ baseURL: url, apiKey: "none", maxRetries: 0 });
      const count = async (content: string) => {
        const asked = { model: MODELS.tools, messages: [{ role: "user" as const, content }] };
        return (await messages.countTokens(asked)).input_tokens;
      };
      const [few, many] = [await count("one word"), await count("one word ".repeat(40))];
      ok(few > 0 && many > few + 40, `${few} and ${many}`);
    },
  },
  {
    client: "@anthropic-ai/sdk",
    feature: "models",
    async run({ url }) {
      const { models } = new Anthropic({ baseURL: url, apiKey: "none", maxRetries: 0 });
      const page = await models.list();
      deepEqual([page.hasNextPage(), page.first_id], [false, page.data[0]!.id]);
      const listed = page.data.find(({ id }) => id === `${MODELS.tools}:latest`)!;
      deepEqual([listed.type, listed.display_name], ["model", listed.id]);
      ok(new Date(listed.created_at).getTime() >= 0, listed.created_at);
      deepEqual(await models.retrieve(MODELS.tools), listed);
      await rejects(models.retrieve("calller"), (error) => {
        ok(error instanceof Anthropic.NotFoundError);
        const told = error.error as { type: string; error: { type: string } };
        deepEqual([told.type, told.error.type], ["error", "not_found_error"]);
        return true;
      });
    },
  },
];

function ollama(feature: string, show: (client: Ollama, bed: CompatBed) => Promise<void>): OwnCase {
  return { client: "ollama", feature, run: (bed) => show(new Ollama({ host: bed.url }), bed) };
}
