import { GatewayError } from "../errors.ts";
import type { ExchangeFor } from "./exchange.ts";
import { llamaGenerate } from "./llama_generate.ts";
import type { OllamaGenerate } from "./ollama_generate_request.ts";
import { ollamaLoaded } from "./ollama_loaded.ts";
import { passedTo } from "./pass_through.ts";
import type { Capability, ServedModel } from "./served_model.ts";

/**
 * How a request for `/api/generate` is put to an upstream: to a node as it is, to llama-server translated.
 *
 * @param body What the client sent.
 * @param request What `decodeOllamaGenerate` made of it.
 */
export function ollamaGenerateExchange(
  body: Uint8Array<ArrayBuffer>,
  request: OllamaGenerate,
): ExchangeFor {
  const { model, stream, isLoad, isUnload } = request;
  return (upstream) => {
    if (upstream.kind === "ollama") {
      return passedTo(upstream, { target: "/api/generate", body, model, stream, format: "ollama" });
    }
    const name = model ?? upstream.model?.name ?? upstream.modelName ?? "";
    if (upstream.model) requireCapabilities(request, name, upstream.model);
    if (isLoad || isUnload) {
      const reason = isLoad ? "load" : "unload";
      return { given: (times) => ollamaLoaded({ kind: "generate", model: name, reason }, times.now()) };
    }
    requireTranslatable(request);
    return llamaGenerate(request, name, upstream);
  };
}

/** Ollama's words. @throws {GatewayError} `invalid_request` for what the model cannot do. */
function requireCapabilities(request: OllamaGenerate, name: string, { capabilities }: ServedModel): void {
  const { suffix, thinking, isLoad, media } = request;
  const isSound = (type: string) => type.startsWith("audio/");
  const wishes: readonly (readonly [isWished: boolean, needed: Capability, word: string, field: string])[] = [
    [suffix !== "", "insert", "insert", "suffix"],
    [thinking !== undefined && thinking !== false, "thinking", "thinking", "think"],
    [!isLoad, "completion", "generate", "model"],
    [media.some(({ type }) => !isSound(type)), "vision", "images", "images"],
    [media.some(({ type }) => isSound(type)), "audio", "audio", "images"],
  ];
  const missing = wishes.find(([isWished, needed]) => isWished && !capabilities.has(needed));
  if (!missing) return;
  const [, , word, field] = missing;
  throw new GatewayError("invalid_request", `${JSON.stringify(name)} does not support ${word}`, { field });
}

/** @throws {GatewayError} `invalid_request` for what Ollama can do, and llama-server cannot. */
function requireTranslatable({ template, media, isRaw, context, suffix }: OllamaGenerate): void {
  if (template !== "") {
    const message = "This model runs on llama-server, which cannot use a Go template; " +
      'leave out "template", or send the finished prompt with "raw": true';
    throw new GatewayError("invalid_request", message, { field: "template" });
  }
  if (media.length > 0 && (isRaw || context || suffix !== "")) {
    const other = isRaw ? "raw" : context ? "context" : "suffix";
    const message =
      `This model runs on llama-server, where "images" do not go with "${other}"; leave one out`;
    throw new GatewayError("invalid_request", message, { field: "images" });
  }
}
