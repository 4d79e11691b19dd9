import type { FakeOllamaExchange } from "./fake_ollama_exchange.ts";
import {
  listAbsurd,
  type ListingStyle,
  listResident,
  listTags,
  openAiModel,
  showModel,
} from "./fake_ollama_listing.ts";
import { readOllamaBody } from "./fake_ollama_body.ts";
import type { FakeOllamaMode } from "./fake_ollama_mode.ts";
import { type KnownFakeModel, modelKey } from "./fake_ollama_model.ts";
import type { Treatment } from "./fake_ollama_mood.ts";
import { FakeRefusal } from "./fake_ollama_refusal.ts";
import type { FakeOllamaScheduler } from "./fake_ollama_scheduler.ts";
import { isSince } from "./fake_ollama_version.ts";

/** What a fake node knows of itself. */
export interface FakeOllamaFacts {
  /** By {@linkcode modelKey}. */
  readonly models: ReadonlyMap<string, KnownFakeModel>;
  readonly scheduler: FakeOllamaScheduler;
}

/**
 * Answers a request that makes no model work.
 *
 * @returns False: no model answered.
 * @throws {FakeRefusal} If it asks for a model that is not there.
 */
export function answerCheck(
  exchange: FakeOllamaExchange,
  facts: FakeOllamaFacts,
  { mode }: Treatment,
  version: string,
): false {
  const spell = (name: string) => mode === "case_names" ? name.toUpperCase() : name;
  const { path } = exchange.request;
  if (path === "/") exchange.send(200, "Ollama is running", { "Content-Type": "text/plain; charset=utf-8" });
  else {
    const headers: Record<string, string> = path.startsWith("/v1/")
      ? { "Content-Type": "application/json" }
      : {};
    exchange.sendJson(200, answerTo(exchange, facts, mode, { version, spell }), headers);
  }
  return false;
}

function answerTo(
  { request: { path, body } }: FakeOllamaExchange,
  { models, scheduler }: FakeOllamaFacts,
  mode: FakeOllamaMode,
  style: ListingStyle,
): unknown {
  const held = [...models.values()];
  switch (path) {
    case "/api/version":
      return { version: style.version };
    case "/api/tags":
      return listTags(held, style);
    case "/api/ps":
      return mode === "absurd_ps" ? listAbsurd(held, style) : listResident(scheduler.list(), style);
    case "/api/show":
      return showModel(find(models, readShownName(body), style), style);
    case "/v1/models":
      return { object: "list", data: held.map((model) => openAiModel(model, style.spell(model.name))) };
    default: {
      const name = decodeURIComponent(path.slice("/v1/models/".length));
      return openAiModel(find(models, name, style), name);
    }
  }
}

function readShownName(text: string): string {
  const body = readOllamaBody(text, "/api/show");
  const name = body["model"] ?? body["name"];
  if (typeof name !== "string" || name === "") throw new FakeRefusal(400, "model is required");
  return name;
}

function find(models: FakeOllamaFacts["models"], name: string, { version }: ListingStyle): KnownFakeModel {
  const model = models.get(modelKey(name));
  if (model !== undefined) return model;
  const told = isSince(version, "0.30.0") && !name.includes(":") ? `${name}:latest` : name;
  throw new FakeRefusal(404, `model '${told}' not found`);
}
