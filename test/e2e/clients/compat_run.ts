import { aiClient } from "./ai_client.ts";
import { anthropicClient } from "./anthropic_client.ts";
import type { CompatBed } from "./compat_bed.ts";
import { CASES } from "./compat_cases.ts";
import { type CompatClient, type Feature, FEATURES } from "./compat_client.ts";
import { langchainClient } from "./langchain_client.ts";
import { ollamaClient } from "./ollama_client.ts";
import { openaiClient, openaiResponsesClient } from "./openai_client.ts";
import { OWN_CASES } from "./own_cases.ts";

/** What became of one feature of one client. */
export interface CompatResult {
  readonly feature: string;
  /** Its name. */
  readonly client: string;
  readonly outcome: "yes" | "no" | "n/a";
  /** Why not; an error where it should have been. */
  readonly because?: unknown;
}

/** Tries all clients on a bed: one feature after the other, so that a model is loaded once for all of them. */
export async function tryClients(bed: CompatBed): Promise<CompatResult[]> {
  const clients = CONNECT.map((connect) => connect(bed.url));
  const results: CompatResult[] = [];
  for (const feature of FEATURES) {
    for (const client of clients) results.push(await tryFeature(feature, client, bed));
  }
  for (const { client, feature, lacks = {}, run } of OWN_CASES) {
    results.push({ client, feature, ...await outcomeOf(lacks[bed.kind], () => run(bed)) });
  }
  return results;
}

/** In the order of the table. */
const CONNECT: readonly ((url: string) => CompatClient)[] = [
  ollamaClient,
  openaiClient,
  openaiResponsesClient,
  anthropicClient,
  aiClient,
  langchainClient,
];

/** By which method an adapter says that it lacks a feature; it has all others. */
const METHODS: Partial<Record<Feature, keyof CompatClient>> = {
  list: "list",
  tools: "tools",
  "streamed tools": "streamedTools",
  "structured output": "structured",
  thinking: "think",
  image: "see",
  embeddings: "embed",
};

async function tryFeature(feature: Feature, client: CompatClient, bed: CompatBed): Promise<CompatResult> {
  const method = METHODS[feature];
  const offered = method && client[method];
  const lack = typeof offered === "string" ? offered : bed.lacks[feature];
  return { feature, client: client.name, ...await outcomeOf(lack, () => CASES[feature](client, bed)) };
}

async function outcomeOf(
  lack: string | undefined,
  show: () => Promise<void>,
): Promise<Pick<CompatResult, "outcome" | "because">> {
  if (lack !== undefined) return { outcome: "n/a", because: lack };
  try {
    await show();
    return { outcome: "yes" };
  } catch (error) {
    return { outcome: "no", because: error };
  }
}
