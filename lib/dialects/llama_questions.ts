import * as z from "zod";
import { GatewayError } from "../errors.ts";
import type { UpstreamFacts, UpstreamReply } from "./exchange.ts";
import { readUpstreamError } from "./upstream_error.ts";

const tokens = z.object({ tokens: z.array(z.int()) });
const content = z.object({ content: z.string() });
const prompt = z.object({ prompt: z.string() });

/** Short questions to a llama-server before or behind the real one. Each throws whatever breaks the connection. */
export class LlamaQuestions {
  readonly #upstream: Pick<UpstreamFacts, "modelName" | "ask">;

  /** Asks nothing yet. */
  constructor(upstream: Pick<UpstreamFacts, "modelName" | "ask">) {
    this.#upstream = upstream;
  }

  /**
   * The tokens of a text; what looks like a control token is one.
   *
   * @param hasSpecial Whether those are added that the model wants before and behind every text.
   * @throws {GatewayError} As the upstream refuses it.
   */
  async tokenize(text: string, { hasSpecial }: { readonly hasSpecial: boolean }): Promise<number[]> {
    const said = await this.#ask("/tokenize", { content: text, add_special: hasSpecial });
    return answerOf(said, tokens, "its tokens").tokens;
  }

  /** The text of some tokens, control tokens included. @throws {GatewayError} As the upstream refuses it. */
  async detokenize(tokens: readonly number[]): Promise<string> {
    return answerOf(await this.#ask("/detokenize", { tokens }), content, "the text of tokens").content;
  }

  /**
   * A chat as the model's template writes it.
   *
   * @param chat The body of a request for `/v1/chat/completions`.
   * @throws {GatewayError} As the upstream refuses it.
   */
  async applyTemplate(chat: Uint8Array): Promise<string> {
    const said = await this.#ask("/apply-template", JSON.parse(decoder.decode(chat)));
    return answerOf(said, prompt, "its prompt").prompt;
  }

  #ask(target: string, body: Record<string, unknown>): Promise<UpstreamReply> {
    const { modelName } = this.#upstream;
    return this.#upstream.ask(target, { ...(modelName !== undefined && { model: modelName }), ...body });
  }
}

const decoder = new TextDecoder();

function answerOf<T>({ status, value }: UpstreamReply, shape: z.ZodType<T>, wanted: string): T {
  const parsed = shape.safeParse(value);
  if (status < 300 && parsed.success) return parsed.data;
  const { message } = readUpstreamError(JSON.stringify(value) ?? "");
  const because = message === "" ? `it answered with status ${status}` : message;
  throw new GatewayError(
    status >= 400 && status < 500 ? "invalid_request" : "upstream_failed",
    `The llama-server does not tell ${wanted}: ${because}`,
  );
}
