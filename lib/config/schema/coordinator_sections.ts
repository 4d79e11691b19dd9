import * as z from "zod";
import { checkExtraArgs, KV_TYPES } from "../../llama_server/args.ts";
import { parsedBy } from "../../parsed_by.ts";
import type { ExternalCoordinatorConfig } from "../config.ts";
import { parseBaseUrl } from "../fields.ts";
import { parsePlacement } from "../placement_setting.ts";
import { Secrets } from "../secrets.ts";
import { duration, keepAlive, key, modelNames, path, program, size, text, textField } from "./field_kinds.ts";

const CONTEXT_SIZE = 4096;

/** `llama_cpp`. */
export const llamaCpp = z.strictObject({
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

/** `coordinator`; `logDir` depends on `state_dir`. */
export const coordinator = z.strictObject({
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

/** `pool`. */
export const pool = z.strictObject({
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

/** `waiting`. */
export const waiting = z.strictObject({
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

/** One of `coordinators`. */
export const externalCoordinator = z.union([
  text(),
  z.strictObject({
    url: text().describe("URL (http, https or unix:/path) of a llama-server that already runs."),
    api_key: key().optional().meta({ writeOnly: true })
      .describe("The key that it asks for; default none."),
    model: text().optional()
      .describe("The one model that it is used for; default: those that it lists."),
  }),
], { error: "must be a URL or {url, api_key, model}" }).transform(parsedBy(externalCoordinatorOf));

interface SaidCoordinator {
  readonly url: string;
  readonly api_key?: string | undefined;
  readonly model?: string | undefined;
}

function externalCoordinatorOf(said: string | SaidCoordinator): ExternalCoordinatorConfig {
  const { url, api_key: apiKey, model } = typeof said === "string" ? { url: said } as SaidCoordinator : said;
  return { url: parseBaseUrl(url), apiKey: apiKey === undefined ? undefined : new Secrets([apiKey]), model };
}
