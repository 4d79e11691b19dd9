import { fakeAnswer, tokensOf } from "./fake_ollama_answer.ts";
import { answerCheck } from "./fake_ollama_checks.ts";
import type { FakeOllamaExchange } from "./fake_ollama_exchange.ts";
import { type FakeInferenceOptions, FakeOllamaInference } from "./fake_ollama_inference.ts";
import { misbehave, type SendError } from "./fake_ollama_misbehaviour.ts";
import { completeModel, type FakeOllamaModel, type KnownFakeModel, modelKey } from "./fake_ollama_model.ts";
import { FakeOllamaManagement } from "./fake_ollama_management.ts";
import { FakeOllamaMood } from "./fake_ollama_mood.ts";
import { openAiError } from "./fake_ollama_openai.ts";
import { FakeRefusal } from "./fake_ollama_refusal.ts";
import { type FakeRoute, findRoute } from "./fake_ollama_routes.ts";
import { FakeOllamaScheduler } from "./fake_ollama_scheduler.ts";
import { OLD_VERSION } from "./fake_ollama_version.ts";

/** What a fake node is, wherever it listens. */
export interface FakeOllamaNature {
  /** Which Ollama it is: 0.30 and later split the finish from the last token. Default `0.33.0`. */
  readonly version?: string;
  /** What it holds. Default `llama3:8b`. */
  readonly models?: readonly FakeOllamaModel[];
  /** Memory for models; idle ones leave for others. Default unlimited. */
  readonly memoryBytes?: number;
  /** Answers at a time; others wait inside, as in Ollama. Default 4. */
  readonly parallel?: number;
  /** Speed of each answer; 0 for no delay. Default 0. */
  readonly tokensPerSecond?: number;
  /** Time to the first token, ms. Default 0. */
  readonly firstTokenMs?: number;
  /** Time to load a model that is not resident, ms. Default 0. */
  readonly loadMs?: number;
  /** What it says where nothing special is asked, see {@linkcode scriptOf}; a word is a token. Default 16 numbered words. */
  readonly answer?: string;
}

/** Ollama's HTTP API, answered or misanswered as it was told. */
export class FakeOllamaApi {
  /** What it was told. */
  readonly mood = new FakeOllamaMood();
  readonly #models = new Map<string, KnownFakeModel>();
  /** What it does to its models when it is told to. */
  readonly management = new FakeOllamaManagement({
    models: this.#models,
    add: (model) => this.addModel(model),
    remove: (name) => this.removeModel(name),
  });
  readonly #version: string;
  readonly #newScheduler: () => FakeOllamaScheduler;
  readonly #inferenceOptions: FakeInferenceOptions;
  #scheduler: FakeOllamaScheduler;

  /** Knows its models from the start. */
  constructor(nature: FakeOllamaNature) {
    const { memoryBytes = Infinity, parallel = 4, loadMs = 0, tokensPerSecond = 0 } = nature;
    this.#version = nature.version ?? "0.33.0";
    for (const model of nature.models ?? [{ name: "llama3:8b" }]) this.addModel(model);
    this.#newScheduler = () => new FakeOllamaScheduler(memoryBytes, parallel, loadMs);
    this.#scheduler = this.#newScheduler();
    const tokenMs = tokensPerSecond === 0 ? 0 : 1_000 / tokensPerSecond;
    this.#inferenceOptions = {
      pace: { firstTokenMs: nature.firstTokenMs ?? 0, tokenMs },
      words: tokensOf(nature.answer ?? fakeAnswer(16)),
      memoryBytes,
    };
  }

  /** Holds this model from now on. */
  addModel(model: FakeOllamaModel): void {
    this.#models.set(modelKey(model.name), completeModel(model));
  }

  /** Holds it no longer. */
  removeModel(name: string): void {
    this.#scheduler.unload(this.#models.get(modelKey(name))?.name ?? name);
    this.#models.delete(modelKey(name));
  }

  /** Has a model in memory that it holds. */
  load(name: string, keepAliveMs: number): void {
    const model = this.#models.get(modelKey(name));
    if (model === undefined) throw new RangeError(`The fake node does not hold "${name}"`);
    this.#scheduler.load(model, keepAliveMs);
  }

  /** Memory is empty, as after a start. */
  forgetMemory(): void {
    this.#scheduler = this.#newScheduler();
  }

  /** Whether a request makes a model work. */
  isInference({ request: { method, path } }: FakeOllamaExchange): boolean {
    return method === "POST" && findRoute(path, this.#version)?.isInference === true;
  }

  /** Answers. @returns Whether a model answered, to the end. */
  async answer(exchange: FakeOllamaExchange, isInference: boolean): Promise<boolean> {
    const came = this.mood.treat(isInference);
    const treatment = await this.mood.untilThawed(came, isInference, exchange);
    const version = treatment.mode === "version_skew" ? OLD_VERSION : this.#version;
    const sendError = errorSender(exchange, version);
    if (exchange.isGone || await misbehave(exchange, treatment, sendError)) return false;
    const route = findRoute(exchange.request.path, version);
    if (!route?.methods.includes(exchange.request.method)) return sendUnknown(exchange, route);
    const facts = { models: this.#models, scheduler: this.#scheduler };
    try {
      if (this.management.handles(exchange.request.path)) return await this.management.answer(exchange);
      if (!isInference) return answerCheck(exchange, facts, treatment, version);
      const inference = new FakeOllamaInference(facts, this.mood, this.#inferenceOptions);
      return await inference.answer({ exchange, treatment, version, sendError });
    } catch (error) {
      const refusal = error instanceof FakeRefusal ? error : unreadable(error);
      sendError(refusal.status, refusal.message, {}, refusal.isEarly);
      return false;
    }
  }
}

/** Go reads bodies into types before it looks at them; here what stumbles over one says so. */
function unreadable(error: unknown): FakeRefusal {
  const isOfBody = error instanceof TypeError || error instanceof SyntaxError || error instanceof RangeError;
  if (!isOfBody) throw error;
  return new FakeRefusal(400, `json: cannot unmarshal the body: ${error.message}`, true);
}

function errorSender(exchange: FakeOllamaExchange, version: string): SendError {
  const isOpenAi = exchange.request.path.startsWith("/v1/");
  return (status, message, headers = {}, isEarly = false) => {
    if (!isOpenAi) return exchange.sendJson(status, { error: message }, headers);
    const type: Record<string, string> = isEarly ? {} : { "Content-Type": "application/json" };
    exchange.sendJson(status, openAiError(status, message, version, isEarly), { ...type, ...headers });
  };
}

function sendUnknown(exchange: FakeOllamaExchange, route: FakeRoute | undefined): false {
  const type = { "Content-Type": "text/plain" };
  if (route === undefined) exchange.send(404, "404 page not found", type);
  else exchange.send(405, "405 method not allowed", { Allow: route.methods.join(", "), ...type });
  return false;
}
