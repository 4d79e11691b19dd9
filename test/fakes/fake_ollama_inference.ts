import { parseKeepAlive } from "../../lib/ollama/keep_alive.ts";
import { readOllamaBody } from "./fake_ollama_body.ts";
import type { FakeOllamaFacts } from "./fake_ollama_checks.ts";
import type { FakeDialect, FakeGeneration, FakeWish, OllamaBody } from "./fake_ollama_dialect.ts";
import { readEmbedTexts, sendEmbeddings } from "./fake_ollama_embedding.ts";
import type { FakeOllamaExchange } from "./fake_ollama_exchange.ts";
import { BUSY_MESSAGE, type SendError } from "./fake_ollama_misbehaviour.ts";
import { type KnownFakeModel, modelKey } from "./fake_ollama_model.ts";
import type { FakeOllamaMood, Treatment } from "./fake_ollama_mood.ts";
import { loadedAnswer, NATIVE_CHAT, NATIVE_GENERATE } from "./fake_ollama_native.ts";
import { OPENAI_CHAT, OPENAI_COMPLETION } from "./fake_ollama_openai.ts";
import { FakeRefusal } from "./fake_ollama_refusal.ts";
import { OPENAI_RESPONSES } from "./fake_ollama_responses.ts";
import { CRASH_MESSAGE, FakeOllamaRun, type FakePace, resetAmidAnswer } from "./fake_ollama_run.ts";
import { DEFAULT_KEEP_ALIVE_MS } from "./fake_ollama_scheduler.ts";
import { scriptOf } from "./fake_ollama_script.ts";
import { isSince } from "./fake_ollama_version.ts";

/** How a fake node answers when a model has to work. */
export interface FakeInferenceOptions {
  readonly pace: FakePace;
  /** The answer, cut into tokens. */
  readonly words: readonly string[];
  /** Memory that there is at all, bytes. */
  readonly memoryBytes: number;
}

/** One request for a model, as it came. */
export interface FakeInferenceCall {
  readonly exchange: FakeOllamaExchange;
  readonly treatment: Treatment;
  readonly version: string;
  readonly sendError: SendError;
}

const DIALECTS: ReadonlyMap<string, FakeDialect> = new Map([
  ["/api/chat", NATIVE_CHAT],
  ["/api/generate", NATIVE_GENERATE],
  ["/v1/chat/completions", OPENAI_CHAT],
  ["/v1/completions", OPENAI_COMPLETION],
  ["/v1/responses", OPENAI_RESPONSES],
]);

/** What begins the ids of OpenAI's answers. */
const ID_PREFIXES: ReadonlyMap<FakeDialect, string> = new Map([
  [OPENAI_CHAT, "chatcmpl-"],
  [OPENAI_COMPLETION, "cmpl-"],
  [OPENAI_RESPONSES, "resp_"],
]);

/** Answers all that makes a model work. */
export class FakeOllamaInference {
  /** `mood` is asked again for each token. */
  constructor(
    private readonly facts: FakeOllamaFacts,
    private readonly mood: FakeOllamaMood,
    private readonly options: FakeInferenceOptions,
  ) {}

  /**
   * Answers one request.
   *
   * @returns Whether the answer was sent whole.
   * @throws {FakeRefusal} If it is none that Ollama answers.
   */
  async answer(call: FakeInferenceCall): Promise<boolean> {
    const { exchange, treatment } = call;
    const { path, body: text } = exchange.request;
    const dialect = DIALECTS.get(path);
    const body = readOllamaBody(text, path);
    dialect?.check(body);
    const texts = dialect ? [dialect.promptOf(body)] : readEmbedTexts(path, body);
    const model = this.#findModel(path, body, treatment);
    const wish = dialect?.wishOf(body);
    checkCapability(call, body, model, { texts, wish });
    const keepAliveMs = readKeepAlive(body);
    if (dialect && texts[0] === "" && keepAliveMs === 0) return this.#unload(call, body, model);
    await this.#admit(call, model);
    try {
      if (exchange.isGone) return false;
      if (!dialect || !wish) return await this.#embed(call, body, texts);
      if (texts[0] === "") return this.#sendLoaded(call, body, "load");
      return await this.#generate(call, body, { dialect, wish, model, prompt: texts[0]! });
    } finally {
      this.facts.scheduler.release(model, keepAliveMs);
    }
  }

  #findModel(path: string, { model: said }: OllamaBody, { mode }: Treatment): KnownFakeModel {
    const name = typeof said === "string" ? said : "";
    const model = this.facts.models.get(modelKey(name));
    if (model !== undefined && mode !== "model_missing") return model;
    if (DIALECTS.has(path)) throw new FakeRefusal(404, `model '${name}' not found`);
    throw new FakeRefusal(404, `model "${name}" not found, try pulling it first`);
  }

  /** Returns with a place of the scheduler's, which has to be released. */
  async #admit({ exchange, treatment }: FakeInferenceCall, model: KnownFakeModel): Promise<void> {
    const { residentBytes } = model;
    if (treatment.mode === "too_large") throw tooLarge(residentBytes, residentBytes / 2);
    const admission = await this.facts.scheduler.admit(model, exchange);
    if (admission === "too_large") throw tooLarge(residentBytes, this.options.memoryBytes);
    if (admission === "queue_full") throw new FakeRefusal(503, BUSY_MESSAGE);
    if (admission === "gone") throw new FakeRefusal(499, "request canceled");
  }

  #unload(call: FakeInferenceCall, body: OllamaBody, model: KnownFakeModel): boolean {
    this.facts.scheduler.unload(model.name);
    return this.#sendLoaded(call, body, "unload");
  }

  #sendLoaded({ exchange }: FakeInferenceCall, body: OllamaBody, reason: "load" | "unload"): boolean {
    exchange.sendJson(200, loadedAnswer(exchange.request.path, body["model"] as string, reason));
    return true;
  }

  async #embed(
    { exchange, treatment: came }: FakeInferenceCall,
    body: OllamaBody,
    texts: readonly string[],
  ): Promise<boolean> {
    const startedMs = performance.now();
    const { firstTokenMs, tokenMs } = this.options.pace;
    const slowMs = came.mode === "slow_first_token" ? came.delayMs : 0;
    const workMs = firstTokenMs + slowMs + texts.length * tokenMs;
    if (workMs > 0) await exchange.pause(workMs);
    const { mode } = await this.mood.untilThawed(came, true, exchange);
    if (mode === "runner_crash") throw new FakeRefusal(500, CRASH_MESSAGE);
    if (mode === "reset_mid_stream") return await resetAmidAnswer(exchange);
    sendEmbeddings(exchange, body, texts, performance.now() - startedMs);
    return !exchange.isGone;
  }

  #generate(
    call: FakeInferenceCall,
    body: OllamaBody,
    { dialect, wish, model, prompt }: {
      dialect: FakeDialect;
      wish: FakeWish;
      model: KnownFakeModel;
      prompt: string;
    },
  ): Promise<boolean> {
    const { exchange, treatment, version, sendError } = call;
    const isThinking = model.capabilities.includes("thinking") && wish.thinks !== false;
    const pieces = scriptOf(wish, this.options.words, isThinking);
    const limit = dialect.limitOf(body) ?? -1;
    const isCut = limit >= 0 && limit < pieces.length;
    const generation: FakeGeneration = {
      model: body["model"] as string,
      version,
      pieces: isCut ? pieces.slice(0, limit) : pieces,
      promptTokenCount: prompt.split(/\s+/).length,
      doneReason: isCut ? "length" : "stop",
      body,
      wish,
      id: `${ID_PREFIXES.get(dialect) ?? ""}${Math.floor(Math.random() * 999)}`,
      startedMs: performance.now(),
    };
    const isStream = typeof body["stream"] === "boolean" ? body["stream"] : dialect.streamsUnasked;
    const run = new FakeOllamaRun(exchange, dialect, generation, this.mood, treatment, sendError);
    return run.play(this.options.pace, isStream);
  }
}

/** The body of its llama-server's answer, as Ollama hands it on. */
const NO_IMAGES = JSON.stringify({
  error: {
    code: 400,
    message: "Multimodal data provided, but model does not support multimodal requests.",
    type: "invalid_request_error",
  },
});

function checkCapability(
  { exchange: { request: { path } }, version }: FakeInferenceCall,
  body: OllamaBody,
  { name, capabilities, embedsAnyway }: KnownFakeModel,
  { texts, wish }: { texts: readonly string[]; wish: FakeWish | undefined },
): void {
  const lacks = (ability: string, isWanted: boolean, told: string) => {
    if (isWanted && !capabilities.includes(ability)) {
      throw new FakeRefusal(400, `${told} does not support ${ability === "completion" ? "chat" : ability}`);
    }
  };
  const fullName = `registry.ollama.ai/library/${name}`;
  const isChat = path === "/api/chat" || path === "/v1/chat/completions" || path === "/v1/responses";
  lacks("completion", isChat, `"${body["model"]}"`);
  lacks("tools", (wish?.tools.length ?? 0) > 0, fullName);
  lacks("insert", typeof body["suffix"] === "string" && body["suffix"] !== "", fullName);
  const hasImages = (wish?.imageBytes.length ?? 0) > 0;
  if (hasImages && isSince(version, "0.30.0") && !capabilities.includes("vision")) {
    throw new FakeRefusal(400, NO_IMAGES);
  }
  lacks("thinking", wish?.thinks === true, `"${body["model"]}"`);
  if (DIALECTS.has(path) || texts.length === 0 || !isSince(version, "0.30.0")) return;
  if (embedsAnyway || capabilities.includes("embedding")) return;
  const status = path === "/api/embeddings" ? 500 : 501;
  throw new FakeRefusal(status, "This server does not support embeddings. Start it with `--embeddings`");
}

function readKeepAlive(body: OllamaBody): number {
  const said = body["keep_alive"] ?? undefined;
  if (said === undefined) return DEFAULT_KEEP_ALIVE_MS;
  if (typeof said === "string" && /^\d+$/.test(said) && said !== "0") {
    throw new FakeRefusal(400, `time: missing unit in duration "${said}"`, true);
  }
  try {
    return parseKeepAlive(said as string | number);
  } catch {
    throw new FakeRefusal(400, `time: invalid duration "${said}"`, true);
  }
}

function tooLarge(needBytes: number, haveBytes: number): FakeRefusal {
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  return new FakeRefusal(
    500,
    `model requires more system memory (${gib(needBytes)}) than is available (${gib(haveBytes)})`,
  );
}
