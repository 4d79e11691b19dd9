import { indexOfBytes, startsWith } from "../stream/bytes.ts";
import { anthropicEvent, objectIn, readAnthropicEvent } from "./anthropic_event.ts";

const encoder = new TextEncoder();
const START = encoder.encode("event: content_block_start\n");
const DELTA = encoder.encode("event: content_block_delta\n");
const STOP = encoder.encode("event: content_block_stop\n");
/** Inside JSON text each quote stands behind a backslash: so no model writes it. */
const SIGNATURE = encoder.encode('"delta":{"type":"signature_delta"');

/** A block that has begun. */
interface OpenBlock {
  readonly index: unknown;
  readonly isThinking: boolean;
  isSigned: boolean;
}

/**
 * Puts the blocks of a stream of llama-server's into Anthropic's order: one ends before the next one begins. llama-server ends
 * them all together, behind the last one; clients take what ends for the block that began last. It also adds to the beginning
 * of a block what Anthropic's have there and its do not: the empty arguments of a call, the empty signature of thoughts.
 */
export class BlockOrder {
  #open: OpenBlock | undefined;
  readonly #ended = new Set<unknown>();

  /** What the client gets for an event: as a rule the same bytes; nothing for an end that was told before. */
  inOrder(event: Uint8Array): readonly Uint8Array[] {
    if (startsWith(event, 0, START)) return this.#started(event);
    if (startsWith(event, 0, STOP)) return this.#stopped(event);
    const isSignature = startsWith(event, 0, DELTA) && indexOfBytes(event, SIGNATURE) >= 0;
    return isSignature ? this.#signed(event) : [event];
  }

  #started(event: Uint8Array): readonly Uint8Array[] {
    const said = readAnthropicEvent(event);
    const block = objectIn(said["content_block"]);
    const before = this.#end();
    const isThinking = block["type"] === "thinking";
    this.#open = { index: said["index"], isThinking, isSigned: false };
    const empty = {
      ...(block["type"] === "tool_use" && { input: {} }),
      ...(isThinking && { signature: "" }),
    };
    const isWhole = Object.keys(empty).every((key) => Object.hasOwn(block, key));
    const whole = isWhole ? event : anthropicEvent({ ...said, content_block: { ...empty, ...block } });
    return [...before, whole];
  }

  #stopped(event: Uint8Array): readonly Uint8Array[] {
    if (this.#ended.has(readAnthropicEvent(event)["index"])) return [];
    return this.#end(event);
  }

  #signed(event: Uint8Array): readonly Uint8Array[] {
    if (this.#ended.has(readAnthropicEvent(event)["index"])) return [];
    if (this.#open) this.#open.isSigned = true;
    return [event];
  }

  /** Ends the open block, by the upstream's own words where it has come to them. */
  #end(event?: Uint8Array): readonly Uint8Array[] {
    if (!this.#open) return [];
    const { index, isThinking, isSigned } = this.#open;
    this.#open = undefined;
    this.#ended.add(index);
    const delta = { type: "signature_delta", signature: "" };
    return [
      ...(isThinking && !isSigned ? [anthropicEvent({ type: "content_block_delta", index, delta })] : []),
      event ?? anthropicEvent({ type: "content_block_stop", index }),
    ];
  }
}
