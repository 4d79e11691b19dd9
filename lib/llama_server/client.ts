import * as z from "zod";
import { GatewayError, messageOf } from "../errors.ts";
import type { UpstreamAddress } from "../http/address.ts";
import type { HttpClient } from "../http/client.ts";

/** What `/health` says. `unreachable` also means: something answers, but no llama-server. */
export type ServerHealth =
  | { readonly kind: "ok" }
  | { readonly kind: "loading" }
  | { readonly kind: "unreachable"; readonly reason: string };

/** What `/props` says. */
export interface ServerProps {
  /** The file that it serves, on its own disk. */
  readonly modelPath: string;
  /** Requests that it computes at once. */
  readonly slotCount: number;
  /** Tokens of one slot. */
  readonly slotContextSize: number;
  /** For example `b11669-Debian`. */
  readonly buildInfo: string;
  /** It has unloaded its model until the next request. */
  readonly isSleeping: boolean;
  /** What the model takes beside text. */
  readonly modalities: { readonly vision: boolean; readonly audio: boolean };
}

/** One line of `/slots`. A slot that is processing and whose numbers stand still hangs. */
export interface ServerSlot {
  /** Counted from 0. */
  readonly id: number;
  /** False while it waits for a request. */
  readonly isProcessing: boolean;
  /** Of the request that it works on, or worked on last. */
  readonly taskId: number | undefined;
  /** Tokens in its context, with those of the batch that is computed now: a long prompt comes in batch by batch. Some builds do not tell. */
  readonly promptTokens: number | undefined;
  /** Of these, taken from the cache. */
  readonly promptTokensCached: number;
  /** Of the others, those whose batch is done; grows first. */
  readonly promptTokensProcessed: number;
  /** Tokens of the answer so far; grows after the prompt. */
  readonly tokensDecoded: number;
}

/** How long one request may take. */
export interface AskOptions {
  /** Breaks the request off; its reason is what is thrown. */
  signal?: AbortSignal | undefined;
  /** Default 2 s. These answers come from memory, also while the model computes. */
  timeoutMs?: number;
}

const propsBody = z.looseObject({
  total_slots: z.number(),
  model_path: z.string(),
  build_info: z.string().default(""),
  is_sleeping: z.boolean().default(false),
  modalities: z.looseObject({ vision: z.boolean().default(false), audio: z.boolean().default(false) })
    .default({ vision: false, audio: false }),
  default_generation_settings: z.looseObject({ n_ctx: z.number() }),
});

const slotsBody = z.array(z.looseObject({
  id: z.number(),
  is_processing: z.boolean(),
  id_task: z.number().optional(),
  n_prompt_tokens: z.number().optional(),
  n_prompt_tokens_cache: z.number().default(0),
  n_prompt_tokens_processed: z.number().default(0),
  next_token: z.array(z.looseObject({ n_decoded: z.number().default(0) })).default([]),
}));

const MAX_BODY_BYTES = 4 * 1024 * 1024;

/**
 * Asks a llama-server about itself.
 *
 * @see tools/server/README.md of llama.cpp, b11669
 */
export class LlamaServerClient {
  /** Connects to nothing yet; `http` stays the caller's to dispose. */
  constructor(
    private readonly http: HttpClient,
    private readonly address: UpstreamAddress,
    private readonly apiKey: string,
  ) {}

  /** Whether it answers requests. Never rejects, but for the signal's reason. */
  async health({ signal, timeoutMs }: AskOptions = {}): Promise<ServerHealth> {
    try {
      const { status, text } = await this.#get("/health", { signal, timeoutMs });
      if (status === 200) return { kind: "ok" };
      if (status === 503) return { kind: "loading" };
      return { kind: "unreachable", reason: `GET /health answered ${status}: ${text.slice(0, 200)}` };
    } catch (error) {
      signal?.throwIfAborted();
      return { kind: "unreachable", reason: messageOf(error) };
    }
  }

  /**
   * Its settings, as they came out.
   *
   * @throws {GatewayError} `upstream_failed` if it does not tell.
   */
  async props(options: AskOptions = {}): Promise<ServerProps> {
    const body = await this.#ask("/props", propsBody, options);
    return {
      modelPath: body.model_path,
      slotCount: body.total_slots,
      slotContextSize: body.default_generation_settings.n_ctx,
      buildInfo: body.build_info,
      isSleeping: body.is_sleeping,
      modalities: { vision: body.modalities.vision, audio: body.modalities.audio },
    };
  }

  /**
   * What each slot does now.
   *
   * @throws {GatewayError} `upstream_failed` if it does not tell.
   */
  async slots(options: AskOptions = {}): Promise<ServerSlot[]> {
    const slots = await this.#ask("/slots", slotsBody, options);
    return slots.map((slot) => ({
      id: slot.id,
      isProcessing: slot.is_processing,
      taskId: slot.id_task,
      promptTokens: slot.n_prompt_tokens,
      promptTokensCached: slot.n_prompt_tokens_cache,
      promptTokensProcessed: slot.n_prompt_tokens_processed,
      tokensDecoded: slot.next_token[0]?.n_decoded ?? 0,
    }));
  }

  async #ask<T>(target: string, shape: z.ZodType<T>, options: AskOptions): Promise<T> {
    try {
      const { status, text } = await this.#get(target, options);
      if (status !== 200) throw new Error(`it answered ${status}: ${text.slice(0, 200)}`);
      return shape.parse(JSON.parse(text));
    } catch (error) {
      options.signal?.throwIfAborted();
      throw new GatewayError(
        "upstream_failed",
        `Cannot read ${target} of llama-server: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }

  async #get(
    target: string,
    { signal, timeoutMs = 2_000 }: { signal?: AbortSignal | undefined; timeoutMs?: number | undefined },
  ): Promise<{ status: number; text: string }> {
    const response = await this.http.send(this.address, {
      method: "GET",
      target,
      headers: [["authorization", `Bearer ${this.apiKey}`]],
      connectTimeoutMs: timeoutMs,
      headTimeoutMs: timeoutMs,
      ...(signal ? { signal } : {}),
    });
    return { status: response.status, text: await response.body.text(MAX_BODY_BYTES) };
  }
}
