import { GatewayError } from "../errors.ts";
import type { ChatMedia } from "./chat.ts";
import { mediaTypeOf } from "./media_type.ts";

/**
 * Reads the pictures and sounds of a message or a prompt: base64 of either alphabet, with or without padding.
 *
 * @param field Where they stand, such as `messages[0].images`.
 * @throws {GatewayError} `invalid_request` if one is empty or no base64.
 */
export function decodeOllamaMedia(images: readonly string[], field: string): ChatMedia[] {
  return images.map((said, index) => {
    const place = `${field}[${index}]`;
    const digits = withoutPadding(said.replaceAll(/\s/g, "")).replaceAll("-", "+").replaceAll("_", "/");
    if (digits === "") throw refusal(place, `"${place}" is empty; send the picture as base64`);
    if (!/^[A-Za-z0-9+/]+$/.test(digits) || digits.length % 4 === 1) {
      throw refusal(place, `illegal base64 data in "${place}"; send the picture as base64, without "data:"`);
    }
    const base64 = digits.padEnd(Math.ceil(digits.length / 4) * 4, "=");
    return { type: mediaTypeOf(base64), base64 };
  });
}

function withoutPadding(base64: string): string {
  return base64.replace(/={1,2}$/, "");
}

function refusal(field: string, message: string): GatewayError {
  return new GatewayError("invalid_request", message, { field });
}
