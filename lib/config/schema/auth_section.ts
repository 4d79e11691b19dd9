import * as z from "zod";
import { KEY_NAME_COMPLAINT, KEY_NAME_PATTERN } from "../../auth/key_name.ts";
import { sha256Of } from "../../auth/secret_digest.ts";
import { parsedBy } from "../../parsed_by.ts";
import type { AuthKeyConfig, KeySource, Scope } from "../config.ts";
import { key, path, text } from "./field_kinds.ts";

/** In the order of help. */
const SCOPES = ["inference", "metrics", "worker", "admin"] as const satisfies readonly Scope[];

const authKey = z.strictObject({
  name: z.string().regex(KEY_NAME_PATTERN, { error: KEY_NAME_COMPLAINT })
    .describe("What it is called in logs; each name once."),
  key: key().optional().meta({ writeOnly: true })
    .describe("The key itself; better name its hash, a file or a credential."),
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/, {
    error: 'must be "sha256:" and 64 hexadecimal digits, as `sollol key new` prints it',
  }).optional().describe("Its SHA-256, as `sollol key new` prints it."),
  file: path().optional()
    .describe("A file that holds it, one key a line; readable by its owner alone."),
  credential: z.string().regex(/^[\w.@-]{1,200}$/, { error: "must be the name of a credential" }).optional()
    .describe("The systemd credential that holds it (LoadCredential=)."),
  scopes: z.array(z.enum(SCOPES)).min(1).default(["inference"])
    .describe(
      "What it is for: inference, metrics, worker (join as a worker), admin (everything); default inference.",
    ),
  models: z.array(text()).min(1).optional()
    .describe("Models that it may use, with * for any text; default: all."),
  requests_per_minute: z.int().min(1).max(1_000_000).optional()
    .describe(
      "Most requests for models that it may make in a minute, those of batches excepted; default: any number.",
    ),
  concurrency: z.int().min(1).max(100_000).optional()
    .describe(
      "Most requests for models that it may have under way at a time, those of batches excepted; default: any number.",
    ),
  max_priority: z.int().min(0).max(10).optional()
    .describe("The highest priority (x-sollol-priority) that its requests get; default 10."),
}).transform(parsedBy(authKeyOf));

/** `auth`. */
export const auth = z.strictObject({
  keys: z.array(authKey).max(10_000).default([])
    .describe("Keys with names, rights and limits, beside api_keys; default none."),
  allow_anonymous: z.boolean().default(false)
    .describe(
      "Whether clients on other machines that show no key may ask models, and read metrics; default false: without any " +
        "key configured the gateway listens on loopback only.",
    ),
}).superRefine(({ keys }, context) => {
  const places = new Map<string, number>();
  for (const [at, { name }] of keys.entries()) {
    const first = places.get(name) ?? at;
    places.set(name, first);
    const message = `the name "${name}" is that of auth.keys[${first}] already; choose another`;
    if (first < at) context.addIssue({ code: "custom", path: ["keys", at, "name"], message });
  }
}).transform((said) => ({ keys: said.keys, allowsAnonymous: said.allow_anonymous }));

interface SaidKey {
  readonly name: string;
  readonly key?: string | undefined;
  readonly hash?: string | undefined;
  readonly file?: string | undefined;
  readonly credential?: string | undefined;
  readonly scopes: readonly Scope[];
  readonly models?: readonly string[] | undefined;
  readonly requests_per_minute?: number | undefined;
  readonly concurrency?: number | undefined;
  readonly max_priority?: number | undefined;
}

function authKeyOf(said: SaidKey): AuthKeyConfig {
  return {
    name: said.name,
    source: sourceOf(said),
    sha256: digestsOf(said),
    scopes: said.scopes,
    models: said.models,
    requestsPerMinute: said.requests_per_minute,
    concurrency: said.concurrency,
    maxPriority: said.max_priority,
  };
}

function sourceOf({ key, hash, file, credential }: SaidKey): KeySource {
  const sources: KeySource[] = [
    ...(key === undefined ? [] : [{ kind: "key" as const }]),
    ...(hash === undefined ? [] : [{ kind: "hash" as const }]),
    ...(file === undefined ? [] : [{ kind: "file" as const, path: file }]),
    ...(credential === undefined ? [] : [{ kind: "credential" as const, name: credential }]),
  ];
  if (sources.length === 1) return sources[0]!;
  const said = sources.length === 0 ? "none" : sources.map(({ kind }) => kind).join(" and ");
  throw new RangeError(`must say where the key is by one of key, hash, file and credential, got ${said}`);
}

/** The secret itself goes no further. */
function digestsOf({ key, hash }: SaidKey): readonly string[] {
  if (key !== undefined) return [sha256Of(key)];
  return hash === undefined ? [] : [hash.slice("sha256:".length)];
}
