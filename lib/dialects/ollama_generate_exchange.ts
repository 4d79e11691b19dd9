import { GatewayError } from "../errors.ts";
import type { ExchangeFor } from "./exchange.ts";
import { llamaGenerate } from "./llama_generate.ts";
import type { OllamaGenerate } from "./ollama_generate_request.ts";
import { onlyLoaded } from "./ollama_loaded.ts";
import { passedTo } from "./pass_through.ts";
import { type CapabilityWish, mediaWishes, requireCapabilities } from "./require_capabilities.ts";

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
  const { model, stream, isLoad } = request;
  return (upstream) => {
    if (upstream.kind === "ollama") {
      return passedTo(upstream, { target: "/api/generate", body, model, stream, format: "ollama" });
    }
    const name = model ?? upstream.model?.name ?? upstream.modelName ?? "";
    if (upstream.model) requireCapabilities(name, upstream.model, wishesOf(request));
    if (isLoad) return onlyLoaded({ kind: "generate", model: name, reason: "load" });
    requireTranslatable(request);
    return llamaGenerate(request, name, upstream);
  };
}

/** In Ollama's order. */
function wishesOf({ suffix, thinking, isLoad, media }: OllamaGenerate): readonly CapabilityWish[] {
  const isToThink = thinking !== undefined && thinking !== false;
  return [
    { isWished: suffix !== "", needed: "insert", word: "insert", field: "suffix" },
    { isWished: isToThink, needed: "thinking", word: "thinking", field: "think" },
    { isWished: !isLoad, needed: "completion", word: "generate", field: "model" },
    ...mediaWishes(media),
  ];
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
