import type { ChatRequest } from "./chat.ts";
import type { Exchange, UpstreamFacts } from "./exchange.ts";
import { llamaChatBody } from "./llama_chat_body.ts";
import { COMPLETION_FIELDS } from "./llama_completion_events.ts";
import { cutInTheMiddle, mayExceed } from "./llama_prompt_size.ts";
import { LlamaQuestions } from "./llama_questions.ts";
import { toOllamaGenerate } from "./ollama_generate_answer.ts";
import type { OllamaGenerate } from "./ollama_generate_request.ts";
import { llamaOptions } from "./ollama_options.ts";
import type { ServedModel } from "./served_model.ts";

const encoder = new TextEncoder();

/**
 * Puts a request of Ollama's `/api/generate` to llama-server: as a chat where the model's own template is wanted, to
 * `/completion` where the prompt is the whole text or goes on from the tokens of an earlier answer, to `/infill` where
 * there is a suffix.
 *
 * @param name The model as the client's answer calls it.
 * @throws {GatewayError} As the upstream refuses what it is asked before. Whatever breaks the connection to it.
 */
export async function llamaGenerate(
  request: OllamaGenerate,
  name: string,
  upstream: UpstreamFacts,
): Promise<Exchange> {
  const asked = new LlamaGenerate(request, name, upstream);
  if (request.isRaw) return asked.completion(await asked.fitting(request.prompt));
  if (request.suffix !== "") return asked.infill();
  return request.context ? await asked.continuation(request.context) : await asked.chat();
}

/** One such request at its upstream. */
class LlamaGenerate {
  readonly #questions: LlamaQuestions;

  constructor(
    private readonly request: OllamaGenerate,
    private readonly name: string,
    private readonly upstream: UpstreamFacts,
  ) {
    this.#questions = new LlamaQuestions(upstream);
  }

  /** What the model goes on from: text, or tokens where it was cut to fit. */
  completion(prompt: string | readonly number[], text?: string): Exchange {
    return this.#native("/completion", { prompt }, text);
  }

  infill(): Exchange {
    const { prompt, suffix } = this.request;
    return this.#native("/infill", { input_prefix: prompt, input_suffix: suffix });
  }

  /** Ollama makes text of the tokens, too; it does not repeat the turns that are stored with the model. */
  async continuation(context: readonly number[]): Promise<Exchange> {
    const before = await this.#questions.detokenize(context);
    const text = before + await this.#questions.applyTemplate(this.#chatBody({ hasStoredTurns: false }));
    return this.completion(await this.fitting(text), text);
  }

  async chat(): Promise<Exchange> {
    const { request, name } = this;
    const { stream, topLogprobs, media, truncate, prompt, system } = request;
    const body = this.#chatBody({ hasStoredTurns: true });
    const hasMedia = media.length > 0; // there is no text for them
    if (truncate && !hasMedia && mayExceed(prompt + system, this.upstream.model?.contextSize)) {
      const text = await this.#questions.applyTemplate(body);
      const fitting = await this.fitting(text);
      if (fitting !== text) return this.completion(fitting, text);
    }
    const promptText = () => this.#questions.applyTemplate(body);
    const contextOf = hasMedia ? undefined : (answer: string) => this.#contextOf(promptText, answer);
    return {
      target: "/v1/chat/completions",
      body,
      stream,
      format: "openai",
      ...toOllamaGenerate({ kind: "generate", from: "chat", model: name, topLogprobs, contextOf }),
    };
  }

  /** The same text if it fits or may not be cut, or if nobody knows what fits; else the tokens of its ends. */
  async fitting(text: string): Promise<string | readonly number[]> {
    const { truncate, options } = this.request;
    const contextSize = this.upstream.model?.contextSize;
    if (!truncate || contextSize === undefined || !mayExceed(text, contextSize)) return text;
    const tokens = await this.#questions.tokenize(text, { hasSpecial: true });
    return tokens.length < contextSize
      ? text
      : cutInTheMiddle(tokens, { contextSize, keep: options.num_keep });
  }

  #native(target: string, what: Readonly<Record<string, unknown>>, text?: string): Exchange {
    const { request: { stream, options, topLogprobs, format }, name, upstream: { modelName, model } } = this;
    const schema = format === "json" ? { type: "object" } : format?.schema;
    const body = {
      ...(modelName !== undefined && { model: modelName }),
      ...what,
      stream,
      ...(schema !== undefined && { json_schema: schema }),
      ...(topLogprobs !== undefined && { n_probs: Math.max(topLogprobs, 1) }),
      ...llamaOptions(options, model),
      response_fields: COMPLETION_FIELDS,
    };
    const contextOf = text === undefined
      ? undefined
      : (answer: string) => this.#contextOf(() => Promise.resolve(text), answer);
    return {
      target,
      body: encoder.encode(JSON.stringify(body)),
      stream,
      format: "completion",
      ...toOllamaGenerate({ kind: "generate", from: "completion", model: name, topLogprobs, contextOf }),
    };
  }

  /** The answer is there: it does not fail because nobody tells what hardly a client reads. */
  async #contextOf(
    prompt: () => Promise<string>,
    answer: string,
  ): Promise<readonly number[] | undefined> {
    try {
      return await this.#questions.tokenize(await prompt() + answer, { hasSpecial: false });
    } catch {
      return undefined;
    }
  }

  #chatBody({ hasStoredTurns }: { readonly hasStoredTurns: boolean }): Uint8Array<ArrayBuffer> {
    const { upstream: { modelName, model }, request } = this;
    const { system } = request;
    const stored: ServedModel | undefined = model && {
      ...model,
      ...(system !== "" && { system }),
      ...(!hasStoredTurns && { messages: [] }),
    };
    return llamaChatBody(chatOf(request, stored === undefined), { modelName, model: stored });
  }
}

/** @param hasSystem Whether the system message is its own; otherwise it stands in the place of the model's. */
function chatOf(request: OllamaGenerate, hasSystem: boolean): ChatRequest {
  const { system, prompt, media, format, thinking, options, topLogprobs, stream } = request;
  const bare = { toolCalls: [], media: [] };
  return {
    messages: [
      ...(hasSystem && system !== "" ? [{ ...bare, role: "system", content: system }] : []),
      { ...bare, role: "user", content: prompt, media },
    ],
    tools: [],
    toolChoice: "auto",
    ...{ format, thinking, options, topLogprobs, stream },
  };
}
