import { join } from "node:path";
import * as z from "zod";
import type { JsonIssue } from "../json_shape.ts";
import { parseOrigin } from "../net/origin.ts";
import { parsedBy } from "../parsed_by.ts";
import { RedisAddress } from "../redis/address.ts";
import { DEFAULT_RPC_PORT } from "../rpc/endpoint.ts";
import { MIB } from "../units.ts";
import type { Config, ExternalCoordinatorConfig, OllamaNodeConfig } from "./config.ts";
import { parseBaseUrl } from "./fields.ts";
import type { RawTree } from "./layer.ts";
import type { ConfigKey } from "./keys.ts";
import { parseListenAddress } from "./listen_address.ts";
import { openListenComplaint } from "./open_listen.ts";
import { auth } from "./schema/auth_section.ts";
import { coordinator, externalCoordinator, llamaCpp, pool, waiting } from "./schema/coordinator_sections.ts";
import { byName, key, path, positive, size, text, textField } from "./schema/field_kinds.ts";
import { batch, limits, log, timeouts } from "./schema/gateway_sections.ts";
import { leavesOf } from "./schema/leaves.ts";
import { modelProfile, nodes, ollamaNode } from "./schema/node_sections.ts";
import { rpc, rpcBackend } from "./schema/rpc_sections.ts";
import { Secrets } from "./secrets.ts";

/** More than any homelab has; each request looks at those that hold its model. */
const MAX_NODES = 1_000;

/** Values that are well formed, or everything that is wrong with them. */
export type TreeResult = { readonly config: Config } | { readonly issues: readonly JsonIssue[] };

/**
 * Validates the keys of all sources together and turns them into what code reads.
 *
 * @param defaults `stateDir` is used where no source says `state_dir`.
 */
export function parseTree(values: RawTree, defaults: { stateDir: string }): TreeResult {
  const result = tree.safeParse(values, { reportInput: true, jitless: true }); // it is not parsed often enough to be compiled
  if (!result.success) return { issues: result.error.issues };
  const { stateDir = defaults.stateDir, coordinator, ...rest } = result.data;
  const { logDir = join(stateDir, "logs") } = coordinator;
  return { config: { ...rest, coordinator: { ...coordinator, logDir }, stateDir } };
}

/** The JSON Schema (2020-12) of a config file. */
export function configSchema(): Record<string, unknown> {
  return z.toJSONSchema(tree.meta({ title: "Configuration of sollol" }), { io: "input" });
}

/** Every key that holds a value, in the order of the tree. */
export function configLeaves(): readonly ConfigKey[] {
  return leavesOf(tree);
}

const tree = z.strictObject({
  listen: textField(parseListenAddress).prefault("127.0.0.1:11435")
    .describe("host:port or port to listen on; default 127.0.0.1:11435."),
  model: text().optional()
    .describe("Model for requests that name none; default: such requests are refused."),
  model_sharding_enabled: z.boolean().default(true)
    .describe("Whether a model may be spread over rpc backends; default true."),
  task_distribution_enabled: z.boolean().default(true)
    .describe("Whether requests are distributed over Ollama nodes; default true."),
  ollama_nodes: z.array(ollamaNode).max(MAX_NODES).prefault([])
    .describe(
      "The Ollama nodes, each a URL, host[:port] or {url, …}, by one address each; default: the one on this host.",
    ),
  nodes: nodes.prefault({}).describe("How Ollama nodes are watched, and how one is chosen among several."),
  shard_above: size(MIB).optional()
    .describe(
      "Models that need more memory than this are sharded, as a size such as 16GiB; default: if they fit no node.",
    ),
  distributed_threshold_params: positive().max(1_000_000).optional()
    .describe("Models of more parameters than this, in billions, are sharded; default: if they fit no node."),
  model_profiles: byName(modelProfile)
    .describe("What is said of single models, by name; default: all is found out."),
  aliases: byName(text())
    .describe("Other names for models, as {alias: model}; default none."),
  fallbacks: byName(z.array(text()).min(1))
    .describe(
      "Models to ask instead when one has no capacity, as {model: [first, second]}, the model by its own name, not by an " +
        "alias; default none.",
    ),
  batch: batch.prefault({}).describe("How batches are run."),
  rpc_backends: z.array(rpcBackend).prefault([])
    .describe(
      `The rpc backends, each {host, port} or "host:port"; port ${DEFAULT_RPC_PORT} if unsaid; default none.`,
    ),
  rpc: rpc.prefault({}).describe("How rpc backends are watched and planned with."),
  redis_url: z.string().transform(parsedBy((text) => RedisAddress.parse(text))).optional().meta({
    writeOnly: true,
  })
    .describe(
      "redis://[user:password@]host[:port][/database] where the predecessor's nodes registered; default: not read.",
    ),
  worker_token: key().optional().meta({ writeOnly: true })
    .describe(
      "What a worker must show to join, beside keys of the scope worker; default: only such keys will do.",
    ),
  coordinator_url: z.string().transform(parsedBy(parseBaseUrl)).optional()
    .describe(
      "URL (http, https or unix:/path) of a llama-server that already runs and is to be used; default: ours are started.",
    ),
  coordinators: z.array(externalCoordinator).prefault([])
    .describe(
      "More llama-servers that already run, each {url, api_key, model}; the least busy that serves the model is asked; default none.",
    ),
  models: z.array(path()).default([])
    .describe("Where models lie: Ollama stores, directories of GGUF files, .gguf files; default: Ollama's."),
  llama_cpp: llamaCpp.prefault({}).describe("Where the programs of llama.cpp are."),
  coordinator: coordinator.prefault({}).describe("How coordinators are started."),
  pool: pool.prefault({}).describe("Which coordinators run, and for how long."),
  waiting: waiting.prefault({}).describe("What clients see while their model loads."),
  resume_streams: z.boolean().default(false)
    .describe("Whether a chat stream whose coordinator died is continued by the next one; default false."),
  limits: limits.prefault({}).describe("How much we accept."),
  timeouts: timeouts.prefault({}).describe("How long we wait."),
  api_keys: z.array(key())
    .default([]).meta({ writeOnly: true })
    .describe(
      "Keys that may do everything (shown as Bearer, x-api-key or the password of Basic); default none. Where there is " +
        "none in auth.keys either, whoever is on this machine may do everything.",
    ),
  auth: auth.prefault({}).describe("Keys with names, rights and limits, and who is let in without one."),
  origins: z.array(z.string().transform(parsedBy(parseOrigin))).default([])
    .describe(
      "Web pages that may use the gateway, as origins such as http://chat.home:3000, with * for a part of the host or any " +
        "port, or only * for all; default: its own, those on localhost and desktop apps.",
    ),
  log: log.prefault({}).describe("What is logged and how."),
  metrics: z.boolean().default(true)
    .describe("Whether /metrics is served; default true."),
  state_dir: path().optional()
    .describe(
      "Directory for what must outlive a restart; default: $STATE_DIRECTORY or ~/.local/state/sollol.",
    ),
}).superRefine(refuseNodesTwice).superRefine(refuseAliasesOfAliases).superRefine(refuseOwnFallbacks)
  .superRefine(refuseCoordinatorsTwice).superRefine(refuseOpenListen).transform((said) => ({
    listen: said.listen,
    model: said.model,
    modelShardingEnabled: said.model_sharding_enabled,
    taskDistributionEnabled: said.task_distribution_enabled,
    ollamaNodes: said.ollama_nodes,
    nodes: said.nodes,
    shardAboveBytes: said.shard_above,
    distributedThresholdParams: said.distributed_threshold_params,
    modelProfiles: said.model_profiles,
    aliases: said.aliases,
    fallbacks: said.fallbacks,
    batch: said.batch,
    rpcBackends: said.rpc_backends,
    rpc: said.rpc,
    redis: said.redis_url,
    workerToken: said.worker_token === undefined ? undefined : new Secrets([said.worker_token]),
    coordinatorUrl: said.coordinator_url,
    coordinators: said.coordinators,
    models: said.models,
    llamaCpp: said.llama_cpp,
    coordinator: said.coordinator,
    pool: said.pool,
    waiting: said.waiting,
    hasResumedStreams: said.resume_streams,
    limits: said.limits,
    timeouts: said.timeouts,
    apiKeys: new Secrets(said.api_keys),
    auth: said.auth,
    origins: said.origins,
    log: said.log,
    isMetricsEnabled: said.metrics,
    stateDir: said.state_dir,
  }));

/** Where a check says what is wrong; zod hands it in. */
interface IssueSink {
  addIssue(issue: { code: "custom"; path: PropertyKey[]; message: string }): void;
}

function refuseNodesTwice(
  { ollama_nodes: nodes }: { ollama_nodes: readonly OllamaNodeConfig[] },
  context: IssueSink,
): void {
  const [urls, names] = [new Map<string, number>(), new Map<string, number>()];
  nodes.forEach(({ url, name }, at) => {
    const [sameUrl, sameName] = [urls.get(url), name === undefined ? undefined : names.get(name)];
    const message = sameUrl !== undefined
      ? `the node at ${url} is ollama_nodes[${sameUrl}] already; remove one of them`
      : `the name "${name}" is that of ollama_nodes[${sameName}] already; choose another`;
    if ((sameUrl ?? sameName) === undefined) {
      urls.set(url, at);
      if (name !== undefined) names.set(name, at);
    } else context.addIssue({ code: "custom", path: ["ollama_nodes", at], message });
  });
}

function refuseAliasesOfAliases(
  { aliases }: { aliases: Readonly<Record<string, string>> },
  context: IssueSink,
): void {
  for (const [alias, model] of Object.entries(aliases)) {
    if (aliases[model] === undefined) continue;
    const message = alias === model
      ? `"${model}" is the model's own name; leave it out`
      : `"${model}" is an alias itself; name a model`;
    context.addIssue({ code: "custom", path: ["aliases", alias], message });
  }
}

function refuseOwnFallbacks(
  { aliases, fallbacks }: {
    aliases: Readonly<Record<string, string>>;
    fallbacks: Readonly<Record<string, readonly string[]>>;
  },
  context: IssueSink,
): void {
  for (const [model, others] of Object.entries(fallbacks)) {
    const at = others.findIndex((other) => (aliases[other] ?? other) === model);
    const message = `"${others[at]}" is the model itself; name others`;
    if (at >= 0) context.addIssue({ code: "custom", path: ["fallbacks", model, at], message });
  }
}

function refuseOpenListen(
  { listen, api_keys: apiKeys, auth }: Pick<Config, "listen" | "auth"> & { api_keys: readonly string[] },
  context: IssueSink,
): void {
  const keyCount = apiKeys.length + auth.keys.length;
  const message = openListenComplaint({ listen, keyCount, allowsAnonymous: auth.allowsAnonymous });
  if (message !== undefined) context.addIssue({ code: "custom", path: ["listen"], message });
}

/** One llama-server under two names would be taken for twice as many slots. */
function refuseCoordinatorsTwice(
  { coordinator_url: first, coordinators }: {
    coordinator_url?: string | undefined;
    coordinators: readonly ExternalCoordinatorConfig[];
  },
  context: IssueSink,
): void {
  coordinators.forEach(({ url }, at) => {
    const earlier = coordinators.slice(0, at).findIndex((other) => other.url === url);
    const where = url === first ? "coordinator_url" : earlier >= 0 ? `coordinators[${earlier}]` : undefined;
    const message = `the llama-server at ${url} is ${where} already; remove one of them`;
    if (where !== undefined) context.addIssue({ code: "custom", path: ["coordinators", at], message });
  });
}
