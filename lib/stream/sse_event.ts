/** One server-sent event. */
export interface SseEvent {
  /** What kind of event it is; `message` where the stream does not say. */
  readonly type: string;
  /** Its text, lines separated by line feeds. */
  readonly data: string;
}

/**
 * Writes an event for the wire. Data of several lines stays what it is, but a carriage return is a line's end, too.
 *
 * @throws {TypeError} If the type holds a line break.
 */
export function formatSseEvent({ type, data }: SseEvent): string {
  if (/[\r\n]/.test(type)) throw new TypeError(`An event's type has one line, got ${JSON.stringify(type)}`);
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${type === "message" ? "" : `event: ${type}\n`}${lines.join("")}\n`;
}

/** The same as bytes. @throws {TypeError} If the type holds a line break. */
export function encodeSseEvent(event: SseEvent): Uint8Array<ArrayBuffer> {
  return encoder.encode(formatSseEvent(event));
}

/** An event without a type that carries a JSON value, as bytes. */
export function encodeSseJson(value: unknown): Uint8Array<ArrayBuffer> {
  return encodeSseEvent({ type: "message", data: JSON.stringify(value) });
}

const encoder = new TextEncoder();
