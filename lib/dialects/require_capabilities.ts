import { GatewayError } from "../errors.ts";
import type { ChatMedia } from "./chat.ts";
import type { Capability, ServedModel } from "./served_model.ts";

/** What a request asks of a model. */
export interface CapabilityWish {
  /** Whether it does ask for it. */
  readonly isWished: boolean;
  /** What the model must be able to do for it. */
  readonly needed: Capability;
  /** What Ollama calls it in a refusal. */
  readonly word: string;
  /** The field that asks for it. */
  readonly field: string;
}

/**
 * Refuses what a model cannot do, in the words that Ollama's clients know.
 *
 * @param name The model as the client named it.
 * @param wishes The first one that the model cannot fulfil is told.
 * @throws {GatewayError} `invalid_request` naming the field.
 */
export function requireCapabilities(
  name: string,
  { capabilities }: Pick<ServedModel, "capabilities">,
  wishes: readonly CapabilityWish[],
): void {
  const missing = wishes.find(({ isWished, needed }) => isWished && !capabilities.has(needed));
  if (!missing) return;
  const message = `${JSON.stringify(name)} does not support ${missing.word}`;
  throw new GatewayError("invalid_request", message, { field: missing.field });
}

/** What pictures and sounds ask of a model. */
export function mediaWishes(media: readonly ChatMedia[]): readonly CapabilityWish[] {
  const isSound = ({ type }: ChatMedia) => type.startsWith("audio/");
  const hasPictures = media.some((medium) => !isSound(medium));
  return [
    { isWished: hasPictures, needed: "vision", word: "images", field: "images" },
    { isWished: media.some(isSound), needed: "audio", word: "audio", field: "images" },
  ];
}
