import { elementsOf } from "../config/text_value.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../rpc/endpoint.ts";
import { readArgument } from "./output.ts";

/**
 * Reads rpc backends, one or several with commas between in each text. One that is named twice counts once.
 *
 * @param name Of the argument, for sentences.
 * @throws {UsageError} If one of them is none.
 */
export function readEndpoints(name: string, texts: readonly string[]): Endpoint[] {
  const endpoints = texts.flatMap((text) => elementsOf(text, ","))
    .map((text) => readArgument(name, text, parseEndpoint));
  return [...new Map(endpoints.map((endpoint) => [formatEndpoint(endpoint), endpoint])).values()];
}
