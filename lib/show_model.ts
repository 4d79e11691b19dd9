import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { Deadline } from "./deadline.ts";
import { ollamaShow, type ShownGguf } from "./dialects/ollama_show.ts";
import { capabilitiesOf } from "./dialects/capabilities.ts";
import { GatewayError, messageOf } from "./errors.ts";
import type { HttpClient } from "./http/client.ts";
import { HttpError } from "./http/error.ts";
import type { KnownNode } from "./nodes/node.ts";
import type { ResolvedModel } from "./ollama/resolved_model.ts";
import { nearNames } from "./ollama/near_names.ts";
import { resolveAlias } from "./router/aliases.ts";
import type { ModelCatalog } from "./router/catalog.ts";
import { readGgufArrays } from "./store/gguf_arrays.ts";
import { type GgufFile, openGguf } from "./store/gguf_file.ts";
import type { GgufHeaderCache } from "./store/gguf_header_cache.ts";
import { formatDuration, MIB } from "./units.ts";

/** What a client asks of a model. */
export interface AskedShow {
  /** In any spelling. */
  readonly model: string;
  /** Whether arrays are wanted, too: the vocabulary has some of 100,000 elements. */
  readonly verbose: boolean;
  /** What else the client said, for nodes. */
  readonly said: Readonly<Record<string, unknown>>;
  /** Of the client: some are shown more. */
  readonly userAgent: string | undefined;
}

/** What {@linkcode ModelShow} reads. */
export interface ModelShowParts {
  /** Names, and our own store. */
  readonly catalog: Pick<ModelCatalog, "keyOf" | "resolve" | "list">;
  /** The Ollama nodes. */
  readonly nodes: { holdersOf(key: string): readonly KnownNode[] };
  /** Asks them; disposed by whoever made it. */
  readonly http: Pick<HttpClient, "send">;
  /** Saves reading the headers of stored models again. */
  readonly headers: GgufHeaderCache;
  /** The operator's word; read at each question. */
  readonly config: Pick<Config, "aliases">;
  /** Time. */
  readonly clock: Clock;
}

/** For a node's whole answer, ms: one that is loading a model answers late. */
const ANSWER_MS = 15_000;
/** A vocabulary of 256,000 tokens and its merges, and twice as much. */
const MAX_ANSWER_BYTES = 64 * MIB;
/** The same, as it lies in the file. */
const MAX_ARRAY_BYTES = 64 * MIB;

/**
 * What `POST /api/show` tells of a model: the words of a node that holds it, for these are Ollama's own, or else what our
 * own store has, told as Ollama would.
 */
export class ModelShow {
  readonly #parts: ModelShowParts;

  /** Its parts stay the caller's to dispose. */
  constructor(parts: ModelShowParts) {
    this.#parts = parts;
  }

  /**
   * The answer, JSON.
   *
   * @throws {GatewayError} `model_not_found`, `model_unusable`, or `backend_unreachable` if only nodes have it that do not
   *   answer. The signal's reason.
   */
  async show(asked: AskedShow, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const model = resolveAlias(asked.model, this.#parts.config.aliases);
    const key = this.#parts.catalog.keyOf(model);
    const troubles: string[] = [];
    for (const node of this.#parts.nodes.holdersOf(key).filter((node) => node.allows(key))) {
      const told = await this.#askNode(node, key, asked, signal);
      if (told instanceof Uint8Array) return told;
      if (told !== undefined) troubles.push(`${node.name}: ${told.trouble}`);
    }
    try {
      return await this.#showStored(model, asked, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (troubles.length === 0) throw await this.#inOllamasWords(error, asked.model);
      const message = `Cannot show model "${asked.model}": ${troubles.join("; ")}`;
      throw new GatewayError("backend_unreachable", message, { cause: error });
    }
  }

  /** Clients know what is missing by Ollama's own sentence. */
  async #inOllamasWords(error: unknown, name: string): Promise<unknown> {
    if (!(error instanceof GatewayError) || error.code !== "model_not_found") return error;
    const models = await this.#parts.catalog.list().catch(() => []);
    const near = nearNames(name, models.map((model) => model.name)).map((other) => `"${other}"`);
    const hint = near.length > 0 ? `; did you mean ${near.join(" or ")}?` : "";
    return new GatewayError(error.code, `model '${name}' not found${hint}`, { cause: error, field: "model" });
  }

  /** What a node says, or why it says nothing; `undefined` if it holds the model no longer. */
  async #askNode(
    node: KnownNode,
    key: string,
    { said, userAgent }: AskedShow,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer> | { readonly trouble: string } | undefined> {
    const { http, clock } = this.#parts;
    const held = node.models.get(key);
    if (node.health !== "up" || !held) return { trouble: `it is ${node.health}: ${node.reason}` };
    const { name: _name, ...fields } = said;
    using deadline = new Deadline(clock, ANSWER_MS, { signal });
    try {
      const { status, body } = await http.send(node.address, {
        method: "POST",
        target: `${node.basePath}/api/show`,
        headers: [
          ["content-type", "application/json"],
          ["accept-encoding", "identity"],
          ...(userAgent === undefined ? [] : [["user-agent", userAgent] as const]),
          ...node.headers,
        ],
        body: new TextEncoder().encode(JSON.stringify({ ...fields, model: held.name })),
        signal: deadline.signal,
      });
      const bytes = await body.bytes(MAX_ANSWER_BYTES);
      if (status === 404) return undefined;
      return status === 200 ? new Uint8Array(bytes) : { trouble: `it answered ${status}` };
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.hasPassed) return { trouble: `no answer within ${formatDuration(ANSWER_MS)}` };
      if (error instanceof HttpError) return { trouble: messageOf(error) };
      throw error;
    }
  }

  async #showStored(name: string, asked: AskedShow, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const model = await this.#parts.catalog.resolve(name, signal);
    const [modelPath, projectorPath] = [model.modelPath, model.projectorPaths[0]];
    const file = await this.#open(modelPath, model, signal);
    const projector = projectorPath === undefined
      ? undefined
      : await this.#open(projectorPath, model, signal);
    const answer = ollamaShow({
      model: withSystem(model, asked.said["system"]),
      gguf: await shownGguf(file, asked.verbose, signal),
      fileType: file.model.fileType,
      chatTemplate: file.model.chatTemplate,
      projector: projector && await shownGguf(projector, asked.verbose, signal),
      capabilities: capabilitiesOf({
        content: file.model,
        stored: model,
        projector: projector?.model.traits,
      }),
      basename: asked.userAgent?.startsWith(COPILOT) ? asked.model : undefined,
    });
    return new TextEncoder().encode(JSON.stringify(answer));
  }

  /** The sentences are for clients: where our files are is this host's affair. */
  async #open(path: string, { name }: ResolvedModel, signal: AbortSignal): Promise<GgufFile> {
    try {
      return await openGguf(path, { signal, cache: this.#parts.headers });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof GatewayError)) throw error;
      throw new GatewayError(error.code, error.message.replaceAll(path, name), { cause: error });
    }
  }
}

/** It shows people the base name, where they know the model by the name that they asked for. */
const COPILOT = "GitHubCopilotChat/";

/** A client may try another system message on. */
function withSystem(model: ResolvedModel, system: unknown): ResolvedModel {
  return typeof system === "string" && system !== "" ? { ...model, system } : model;
}

async function shownGguf(file: GgufFile, isVerbose: boolean, signal: AbortSignal): Promise<ShownGguf> {
  const { path, header: { metadata }, tensors } = file;
  const arrays = isVerbose
    ? await readGgufArrays(path, metadata, { signal, maxBytes: MAX_ARRAY_BYTES })
    : new Map();
  return { metadata, tensors, arrays };
}
