import type { ExchangeFor } from "./exchange.ts";

/**
 * A request for the embeddings of several inputs that can be embedded one by one, in the words of its dialect.
 *
 * @typeParam Part What is read of the answer to some of the inputs.
 */
export interface EmbeddingParts<Part = unknown> {
  /** Several. */
  readonly inputs: readonly unknown[];
  /** How the same request for only some of them is put to an upstream. */
  exchangeOf(inputs: readonly unknown[]): ExchangeFor;
  /** Reads the answer to a part. @returns `undefined` if it has not one embedding for each input, in their order. */
  read(body: Uint8Array, inputCount: number): Part | undefined;
  /** One answer out of those to all parts, in the order of the parts. */
  join(parts: readonly Part[]): Uint8Array<ArrayBuffer>;
}
