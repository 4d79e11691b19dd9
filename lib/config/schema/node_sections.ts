import * as z from "zod";
import { parseNodeName } from "../../nodes/node_registration.ts";
import { parseNodeUrl } from "../../nodes/node_url.ts";
import { parseBroadcast, parseMac } from "../../nodes/wake_target.ts";
import { parsedBy } from "../../parsed_by.ts";
import { parseMemoryLimit } from "../../rpc/backend_registration.ts";
import type { OllamaNodeConfig } from "../config.ts";
import { Secrets } from "../secrets.ts";
import { duration, key, positive, text, textField } from "./field_kinds.ts";

const wake = z.strictObject({
  mac: textField(parseMac).describe("Its hardware address, such as aa:bb:cc:dd:ee:ff."),
  broadcast: z.string().transform(parsedBy(parseBroadcast)).prefault("255.255.255.255")
    .describe("Where the magic packet is sent; default 255.255.255.255."),
  port: z.int().min(1).max(65_535).default(9).describe("UDP port of the magic packet; default 9."),
});

/** One of `ollama_nodes`. */
export const ollamaNode = z.union([
  text(),
  z.strictObject({
    url: text().describe("URL or host[:port] of an Ollama; port 11434 if neither is said."),
    name: z.string().transform(parsedBy(parseNodeName)).optional()
      .describe("What it is called; default: its host."),
    slots: z.int().min(1).max(10_000).optional()
      .describe("Most requests that it gets at a time; default: nodes.slots."),
    weight: positive().max(1_000).optional().meta({ default: 1 })
      .describe("How much more than others it is given; default 1."),
    tags: z.array(text()).optional().meta({ default: [] }).describe(
      "Words to route by (x-sollol-route); default none.",
    ),
    models: z.array(text()).optional().meta({ default: [] })
      .describe("Models that it may serve, with * for any text; default: all that it holds."),
    memory: textField(parseMemoryLimit).optional()
      .describe("Its memory for models, as a size; default: as rpc backends on its host tell, or unknown."),
    api_key: key().optional().meta({ writeOnly: true })
      .describe("The key that a proxy before it asks for; default none."),
    wake: wake.optional().describe("How it is woken when only it can serve a request; default: it is not."),
  }),
], { error: "must be a URL, host[:port] or {url, …}" }).transform(parsedBy(ollamaNodeOf));

/** `nodes`. */
export const nodes = z.strictObject({
  policy: z.enum(["auto", "least_busy", "round_robin", "fastest"]).default("auto")
    .describe(
      "How a node is chosen among those that hold the model: auto (where it is loaded, fits, and is least busy for its " +
        "speed), least_busy, round_robin or fastest; default auto.",
    ),
  local: z.boolean().default(true)
    .describe("Whether an Ollama on this host is found by itself; default true."),
  slots: z.int().min(1).max(10_000).default(4)
    .describe("Most requests that a node gets at a time, where its entry does not say; default 4."),
  check_every: duration(100).prefault("5s")
    .describe("Between two checks of a node that is up, as a duration; default 5s."),
  affinity_margin: z.int().min(0).max(10_000).default(2)
    .describe(
      "By how many requests a node that has a conversation in its cache may be busier than the best one; default 2.",
    ),
  embedding_batch: z.int().min(1).max(100_000).default(64)
    .describe(
      "Texts of an embedding request that one node gets at a time; longer arrays are split; default 64.",
    ),
  hedge_embeddings: duration().optional()
    .describe(
      "Time after which an embedding request is sent to a second node as well, as a duration; default: never.",
    ),
  wake_timeout: duration().prefault("2m")
    .describe("Longest time that a sleeping node gets to wake up, as a duration; default 2m."),
  hide_unavailable: z.boolean().default(false)
    .describe("Whether models that nobody can serve now are left out of lists, not marked; default false."),
}).transform((said) => ({
  policy: said.policy,
  isLocalFound: said.local,
  slotCount: said.slots,
  checkEveryMs: said.check_every,
  affinityMargin: said.affinity_margin,
  embeddingBatch: said.embedding_batch,
  hedgeAfterMs: said.hedge_embeddings,
  wakeMs: said.wake_timeout,
  hidesUnavailable: said.hide_unavailable,
}));

/** One of `model_profiles`. */
export const modelProfile = z.strictObject({
  parameter_count: positive().max(1_000_000).optional()
    .describe("Parameters, in billions; default: found out."),
  estimated_memory_gb: positive().max(1_000_000).optional()
    .describe("All memory that it takes where it runs, in GB (10⁹ bytes); default: reckoned from its file."),
  requires_distributed: z.boolean().default(false)
    .describe("Whether it is sharded although a node could hold it; default false."),
  route: text().optional()
    .describe(
      "Where it goes: node, sharded, or the name, URL or tag of a node or coordinator; default: decided.",
    ),
}).transform((said) => ({
  parameterCount: said.parameter_count,
  memoryBytes: said.estimated_memory_gb === undefined ? undefined : said.estimated_memory_gb * 1e9,
  requiresDistributed: said.requires_distributed,
  route: said.route,
}));

interface SaidNode {
  readonly url: string;
  readonly name?: string | undefined;
  readonly slots?: number | undefined;
  readonly weight?: number | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly models?: readonly string[] | undefined;
  readonly memory?: number | undefined;
  readonly api_key?: string | undefined;
  readonly wake?: { readonly mac: string; readonly broadcast: string; readonly port: number } | undefined;
}

function ollamaNodeOf(said: string | SaidNode): OllamaNodeConfig {
  const node: SaidNode = typeof said === "string" ? { url: said } : said;
  return {
    url: parseNodeUrl(node.url),
    name: node.name,
    slotCount: node.slots,
    weight: node.weight,
    tags: node.tags,
    models: node.models,
    memoryBytes: node.memory,
    apiKey: node.api_key === undefined ? undefined : new Secrets([node.api_key]),
    wake: node.wake,
  };
}
