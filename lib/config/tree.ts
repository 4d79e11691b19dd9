import { join } from "node:path";
import * as z from "zod";
import type { JsonIssue } from "../json_shape.ts";
import { parsedBy } from "../parsed_by.ts";
import { checkExtraArgs, KV_TYPES } from "../llama_server/args.ts";
import { type BackendLimits, UNLIMITED } from "../rpc/backend.ts";
import { parseBandwidth, parseMemoryLimit } from "../rpc/backend_registration.ts";
import { parseKeepAlive } from "../ollama/keep_alive.ts";
import { DEFAULT_RPC_PORT, type Endpoint, parseNamedEndpoint } from "../rpc/endpoint.ts";
import { RedisAddress } from "../redis/address.ts";
import type { Config, ExternalCoordinatorConfig, OllamaNodeConfig } from "./config.ts";
import { parseBaseUrl, parseSize, parseTimer } from "./fields.ts";
import type { RawTree } from "./layer.ts";
import { parseListenAddress } from "./listen_address.ts";
import { parseBroadcast, parseMac } from "../nodes/wake_target.ts";
import { parseNodeName } from "../nodes/node_registration.ts";
import { parseNodeUrl } from "../nodes/node_url.ts";
import { parsePlacement } from "./placement_setting.ts";
import { Secrets } from "./secrets.ts";

const CONTEXT_SIZE = 4096;
/** More than any homelab has; each request looks at those that hold its model. */
const MAX_NODES = 1_000;
/** Longer keys are refused by those that compare them in a field of constant size. */
const MAX_KEY_LENGTH = 254;

/** Values that are well formed, or everything that is wrong with them. */
export type TreeResult = { readonly config: Config } | { readonly issues: readonly JsonIssue[] };

/**
 * Validates the keys of all sources together and turns them into what code reads.
 *
 * @param defaults `stateDir` is used where no source says `state_dir`.
 */
export function parseTree(values: RawTree, defaults: { stateDir: string }): TreeResult {
  const result = tree.safeParse(values, { reportInput: true });
  if (!result.success) return { issues: result.error.issues };
  const { stateDir = defaults.stateDir, coordinator, ...rest } = result.data;
  const { logDir = join(stateDir, "logs") } = coordinator;
  return { config: { ...rest, coordinator: { ...coordinator, logDir }, stateDir } };
}

/** The JSON Schema (2020-12) of a config file. */
export function configSchema(): Record<string, unknown> {
  return z.toJSONSchema(tree.meta({ title: "Configuration of sollol" }), { io: "input" });
}

const rpcBackend = z.union([
  text(),
  z.strictObject({
    host: text().describe("Host name or IPv4 address."),
    port: z.int().min(1).max(65_535).default(DEFAULT_RPC_PORT)
      .describe(`TCP port; default ${DEFAULT_RPC_PORT}.`),
    memory: textField(parseMemoryLimit).optional()
      .describe("Most memory to plan with there, as a size; default: all that is free."),
    exclude: z.boolean().default(false)
      .describe("Whether no model is to be planned onto it; default false."),
    bandwidth: textField(parseBandwidth).optional()
      .describe("How fast weights reach it, as a size per second; default: measured at each load."),
  }),
], { error: 'must be "host:port" or {host, port}' }).transform(parsedBy(backendOf));

const rpc = z.strictObject({
  trust: duration().prefault("5m")
    .describe("For how long a backend that was up is not asked again, as a duration; default 5m."),
  max_probes: z.int().min(1).max(60).default(48)
    .describe("Backends that are asked at the same time; default 48."),
  reserve: size(0).prefault("512MiB")
    .describe("Memory of each device that plans leave free, as a size; default 512MiB."),
}).transform((said) => ({
  trustMs: said.trust,
  maxProbes: said.max_probes,
  reserveBytes: said.reserve,
}));

const llamaCpp = z.strictObject({
  llama_server: program().optional()
    .describe("The llama-server program; default: found in prefix, then on PATH."),
  rpc_server: program().optional()
    .describe("The ggml-rpc-server program; default: found in prefix, then on PATH."),
  prefix: path().optional()
    .describe("Directory of a llama.cpp installation (its bin/ and lib/); default: the one `setup` makes."),
}).transform((said) => ({
  llamaServer: said.llama_server,
  rpcServer: said.rpc_server,
  prefix: said.prefix,
}));

const coordinator = z.strictObject({
  context_size: z.int().min(64).optional().meta({ default: CONTEXT_SIZE })
    .describe(`Tokens of context per slot; default: the model's own num_ctx, or ${CONTEXT_SIZE}.`),
  min_context_size: z.int().min(64).optional()
    .describe(
      "Fewest tokens per slot that a model may be loaded with where the wanted context does not fit; " +
        "default: it is not made smaller.",
    ),
  slots: z.int().min(1).max(256).default(4)
    .describe("Requests that one coordinator answers at a time; default 4."),
  threads: z.int().min(1).max(1024).optional()
    .describe("CPU threads of a coordinator; default: llama-server chooses."),
  batch_size: z.int().min(1).optional()
    .describe("Tokens of a prompt per logical batch; default: llama-server chooses."),
  ubatch_size: z.int().min(1).optional()
    .describe("Tokens of a prompt per physical batch; default: llama-server chooses."),
  kv_type: z.enum(KV_TYPES).default("f16")
    .describe("Type of the K and V cache; default f16. Quantised types take less memory."),
  placement: textField(parsePlacement).prefault("auto")
    .describe(
      "How layers are dealt: auto (fewest backends, by memory), even, or by backend (a:50052=30,b:50052=50); default auto.",
    ),
  cache_ram: size(0).prefault("1GiB")
    .describe("Memory for the cache of earlier prompts, as a size; default 1GiB, 0 for none."),
  load_timeout: duration().optional()
    .describe("Longest time for loading a model, as a duration; default: estimated from the model's size."),
  startup_watchdog: duration().prefault("5s")
    .describe("Silence after which a starting coordinator is looked at, as a duration; default 5s."),
  extra_args: z.array(z.union([z.string(), z.number()], { error: "must be text or a number" }))
    .transform(parsedBy((args) => checkExtraArgs(args.map(String)))).default([]).meta({ "x-separator": " " })
    .describe("Arguments that are added to llama-server's command line as they are; default none."),
  transport: z.enum(["unix", "tcp"]).default("unix")
    .describe("How we talk to a coordinator: unix socket or loopback tcp; default unix."),
  log_dir: path().optional()
    .describe("Directory of the coordinators' logs; default: logs in state_dir."),
  log_max: size(4096).prefault("16MiB")
    .describe("Size at which a coordinator's log is turned over, as a size; default 16MiB."),
}).superRefine(({ context_size: wanted, min_context_size: least }, context) => {
  if (wanted === undefined || least === undefined || least <= wanted) return;
  const message = `must be at most context_size (${wanted}), got ${least}`;
  context.addIssue({ code: "custom", path: ["min_context_size"], message });
}).transform((said) => ({
  contextSize: said.context_size ?? CONTEXT_SIZE,
  isContextSizeSet: said.context_size !== undefined,
  minContextSize: said.min_context_size,
  slots: said.slots,
  threads: said.threads,
  batchSize: said.batch_size,
  ubatchSize: said.ubatch_size,
  kvType: said.kv_type,
  placement: said.placement,
  cacheRamBytes: said.cache_ram,
  loadTimeoutMs: said.load_timeout,
  startupWatchdogMs: said.startup_watchdog,
  extraArgs: said.extra_args,
  transport: said.transport,
  logDir: said.log_dir,
  logMaxBytes: said.log_max,
}));

const pool = z.strictObject({
  max_coordinators: z.int().min(1).max(64).default(4)
    .describe("Most coordinators that run at a time; default 4."),
  idle_ttl: keepAlive().prefault("10m")
    .describe(
      "For how long an idle model stays loaded, as a duration; 0 for not at all, -1 for ever; default 10m.",
    ),
  min_residency: duration(0).prefault("0")
    .describe(
      "For how long a model that was just loaded is not stopped for another, as a duration; default 0.",
    ),
  swap_wait: duration(0).prefault("5s")
    .describe(
      "For how long requests for a loaded model may overtake one that waits for its place, as a duration, but at " +
        "least as long as its load took; default 5s.",
    ),
  pinned: modelNames()
    .describe("Models that are never stopped for others, nor for being idle; default none."),
  prewarm: modelNames()
    .describe("Models that are loaded at the start, in this order; default none."),
  max_restarts: z.int().min(0).max(1000).default(5)
    .describe(
      "How often a coordinator that dies is started again within restart_window before it is given up; a whole answer " +
        "forgets earlier deaths, and waiting for a lost backend does not count; default 5.",
    ),
  restart_window: duration().prefault("10m")
    .describe("See max_restarts, as a duration; default 10m."),
}).transform((said) => ({
  maxCoordinators: said.max_coordinators,
  idleTtlMs: said.idle_ttl,
  minResidencyMs: said.min_residency,
  swapWaitMs: said.swap_wait,
  pinned: said.pinned,
  prewarm: said.prewarm,
  maxRestarts: said.max_restarts,
  restartWindowMs: said.restart_window,
}));

const waiting = z.strictObject({
  comment_every: duration().prefault("10s")
    .describe(
      "How often a stream that waits for its model sends a comment line, so that no proxy gives it up, as a duration; " +
        "default 10s.",
    ),
  notes: z.boolean().default(false)
    .describe(
      "Whether such a stream tells in its reasoning field what it waits for, after half a second and then every 5 s at " +
        "least; default false.",
    ),
}).transform((said) => ({ commentEveryMs: said.comment_every, hasNotes: said.notes }));

const wake = z.strictObject({
  mac: textField(parseMac).describe("Its hardware address, such as aa:bb:cc:dd:ee:ff."),
  broadcast: z.string().transform(parsedBy(parseBroadcast)).prefault("255.255.255.255")
    .describe("Where the magic packet is sent; default 255.255.255.255."),
  port: z.int().min(1).max(65_535).default(9).describe("UDP port of the magic packet; default 9."),
});

const ollamaNode = z.union([
  text(),
  z.strictObject({
    url: text().describe("URL or host[:port] of an Ollama; port 11434 if neither is said."),
    name: z.string().transform(parsedBy(parseNodeName)).optional()
      .describe("What it is called; default: its host."),
    slots: z.int().min(1).max(10_000).optional()
      .describe("Most requests that it gets at a time; default: nodes.slots."),
    weight: positive().max(1_000).default(1)
      .describe("How much more than others it is given; default 1."),
    tags: z.array(text()).default([]).describe("Words to route by (x-sollol-route); default none."),
    models: z.array(text()).default([])
      .describe("Models that it may serve, with * for any text; default: all that it holds."),
    memory: textField(parseMemoryLimit).optional()
      .describe("Its memory for models, as a size; default: as a worker on it tells, or unknown."),
    api_key: key().optional().meta({ writeOnly: true })
      .describe("The key that a proxy before it asks for; default none."),
    wake: wake.optional().describe("How it is woken when only it can serve a request; default: it is not."),
  }),
], { error: "must be a URL, host[:port] or {url, …}" }).transform(parsedBy(ollamaNodeOf));

const nodes = z.strictObject({
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

const modelProfile = z.strictObject({
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

const batch = z.strictObject({
  concurrency: z.int().min(1).max(1_000).default(8)
    .describe("Requests of batches that are under way at a time; default 8."),
  retries: z.int().min(0).max(100).default(3)
    .describe("How often a request of a batch is asked again after a failure that may pass; default 3."),
  max_file: size(1024).prefault("200MiB")
    .describe("Largest file that may be uploaded, as a size; default 200MiB."),
  keep: duration().prefault("7d")
    .describe("For how long finished batches and their files are kept, as a duration; default 7d."),
}).transform((said) => ({
  concurrency: said.concurrency,
  retryCount: said.retries,
  fileBytes: said.max_file,
  keepMs: said.keep,
}));

const externalCoordinator = z.union([
  text(),
  z.strictObject({
    url: text().describe("URL (http, https or unix:/path) of a llama-server that already runs."),
    api_key: key().optional().meta({ writeOnly: true })
      .describe("The key that it asks for; default none."),
    model: text().optional()
      .describe("The one model that it is used for; default: those that it lists."),
  }),
], { error: "must be a URL or {url, api_key, model}" }).transform(parsedBy(externalCoordinatorOf));

const limits = z.strictObject({
  body: size(1).prefault("32MiB")
    .describe("Largest request body, as a size; default 32MiB."),
  header: size(1024).prefault("64KiB")
    .describe("Largest head of an upstream's answer, as a size; default 64KiB."),
  queue: z.int().min(1).max(100_000).default(512)
    .describe("Requests that may wait at a time; those beyond are refused; default 512."),
  queue_wait: duration().prefault("10m")
    .describe("Longest time that a request waits for room, as a duration; default 10m."),
}).transform((said) => ({
  queueCount: said.queue,
  bodyBytes: said.body,
  headerBytes: said.header,
  queueWaitMs: said.queue_wait,
}));

const timeouts = z.strictObject({
  connect: duration().prefault("2s")
    .describe("Longest time for connecting to an upstream, as a duration; default 2s."),
  probe: duration().prefault("2s")
    .describe("Longest time for probing an rpc backend, as a duration; default 2s."),
  drain: duration().prefault("30s")
    .describe("Time that requests in flight get at shutdown, as a duration; default 30s."),
  first_byte: duration().prefault("15m")
    .describe(
      "Longest time until an answer begins, over all attempts and waiting, as a duration; default 15m.",
    ),
  stall: duration().prefault("30s")
    .describe(
      "Time without progress after which a coordinator is taken to hang, as a duration; default 30s. " +
        "Prompts get more, by their length.",
    ),
}).transform((said) => ({
  connectMs: said.connect,
  probeMs: said.probe,
  drainMs: said.drain,
  stallMs: said.stall,
  firstByteMs: said.first_byte,
}));

const log = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error"]).default("info")
    .describe("Least severe lines that are written; default info."),
  format: z.enum(["auto", "json", "pretty"]).default("auto")
    .describe("json for machines, pretty for people, auto is pretty on a terminal; default auto."),
});

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
    .describe("The Ollama nodes, each a URL, host[:port] or {url, …}; default: the one on this host."),
  nodes: nodes.prefault({}).describe("How Ollama nodes are watched, and how one is chosen among several."),
  shard_above: size(1).optional()
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
    .describe("What a worker must show to join; default: the same as any client."),
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
      "Keys of which a client must show one (Bearer or x-api-key); default none: everyone is let in.",
    ),
  log: log.prefault({}).describe("What is logged and how."),
  metrics: z.boolean().default(true)
    .describe("Whether /metrics is served; default true."),
  state_dir: path().optional()
    .describe(
      "Directory for what must outlive a restart; default: $STATE_DIRECTORY or ~/.local/state/sollol.",
    ),
}).superRefine(({ ollama_nodes: nodes }, context) => {
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
}).superRefine(({ aliases }, context) => {
  for (const [alias, model] of Object.entries(aliases)) {
    if (aliases[model] === undefined) continue;
    const message = `"${model}" is an alias itself; name a model`;
    context.addIssue({ code: "custom", path: ["aliases", alias], message });
  }
}).superRefine(({ coordinator_url: first, coordinators }, context) => {
  // one llama-server under two names would be taken for twice as many slots
  coordinators.forEach(({ url }, at) => {
    const earlier = coordinators.slice(0, at).findIndex((other) => other.url === url);
    const where = url === first ? "coordinator_url" : earlier >= 0 ? `coordinators[${earlier}]` : undefined;
    const message = `the llama-server at ${url} is ${where} already; remove one of them`;
    if (where !== undefined) context.addIssue({ code: "custom", path: ["coordinators", at], message });
  });
}).transform((said) => ({
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
  log: said.log,
  isMetricsEnabled: said.metrics,
  stateDir: said.state_dir,
}));

function key() {
  return z.string().regex(/^[\x21-\x7e]+$/, { error: "must be printable ASCII without spaces" })
    .max(MAX_KEY_LENGTH, { error: `must have at most ${MAX_KEY_LENGTH} characters` });
}

/** A fraction, too. */
function positive() {
  return z.number().positive({ error: "must be more than 0" });
}

function text() {
  return z.string().regex(/\S/, { error: "must not be empty" });
}

/** What is said of each of some names, which may be any text. No name finds what it does not say: `constructor`. */
function byName<Value extends z.ZodType>(value: Value) {
  return z.record(z.string(), value).superRefine((said, context) => {
    for (const name of Object.keys(said).filter((name) => !/\S/.test(name))) {
      context.addIssue({ code: "custom", path: [name], message: "must have a name that is not empty" });
    }
  }).transform((said): typeof said => Object.assign(Object.create(null), said)).prefault({});
}

/** Said twice counts once. */
function modelNames() {
  return z.array(text()).transform((names) => [...new Set(names)]).default([]);
}

/** In a config file, a path that is not absolute is taken from that file's directory. */
function path() {
  return text().meta({ format: "path" });
}

/** As a path; but a bare name stays one and is searched for on `PATH`. */
function program() {
  return text().meta({ format: "program" });
}

function duration(minMs = 1) {
  return textField((text) => parseTimer(text, { minMs }));
}

/** As Ollama's clients say it. */
function keepAlive() {
  return textField(parseKeepAlive);
}

function size(minBytes: number) {
  return textField((text) => parseSize(text, { minBytes }));
}

/** A text or, since YAML reads `30` and `11435` as such, a bare number. */
function textField<T>(parse: (text: string) => T) {
  return z.union([z.string(), z.number()]).transform(parsedBy((said) => parse(String(said))));
}

interface SaidCoordinator {
  readonly url: string;
  readonly api_key?: string | undefined;
  readonly model?: string | undefined;
}

function externalCoordinatorOf(said: string | SaidCoordinator): ExternalCoordinatorConfig {
  const { url, api_key: apiKey, model } = typeof said === "string" ? { url: said } as SaidCoordinator : said;
  return { url: parseBaseUrl(url), apiKey: apiKey === undefined ? undefined : new Secrets([apiKey]), model };
}

interface SaidNode {
  readonly url: string;
  readonly name?: string | undefined;
  readonly slots?: number | undefined;
  readonly weight: number;
  readonly tags: readonly string[];
  readonly models: readonly string[];
  readonly memory?: number | undefined;
  readonly api_key?: string | undefined;
  readonly wake?: { readonly mac: string; readonly broadcast: string; readonly port: number } | undefined;
}

const BARE_NODE = { weight: 1, tags: [], models: [] };

function ollamaNodeOf(said: string | SaidNode): OllamaNodeConfig {
  const node: SaidNode = typeof said === "string" ? { ...BARE_NODE, url: said } : said;
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

interface SaidBackend extends Endpoint {
  readonly memory?: number | undefined;
  readonly exclude: boolean;
  readonly bandwidth?: number | undefined;
}

function backendOf(said: string | SaidBackend): Endpoint & { readonly limits: BackendLimits } {
  if (typeof said === "string") return { ...parseNamedEndpoint(said), limits: UNLIMITED };
  const { host, port, memory: memoryLimitBytes, exclude: isExcluded, bandwidth: bytesPerSecond } = said;
  return {
    ...parseNamedEndpoint(`${host}:${port}`),
    limits: { memoryLimitBytes, isExcluded, bytesPerSecond },
  };
}
