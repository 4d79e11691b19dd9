import { valuesOf } from "../dialects/json_bytes.ts";
import type { BatchEndpoint } from "./batch.ts";

/** Longest `custom_id`, in UTF-16 units. */
const MAX_CUSTOM_ID_LENGTH = 512;
const CONTROL_CHARACTER = /\p{Cc}/u;
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A line of a batch's input, as it is asked. */
export interface InputLine {
  /** By which its sender knows it; unique in its batch. */
  readonly customId: string;
  /** The model that it names, if it does. */
  readonly model: string | undefined;
  /** JSON, as it stands there: numbers would not survive a parse unharmed. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A line that cannot be asked; the message is for a person, the code for a program. */
export class InputLineError extends SyntaxError {
  /** Tells it from other errors. */
  override readonly name = "InputLineError";

  /** One mistake in one line. */
  constructor(readonly code: string, message: string, options: ErrorOptions = {}) {
    super(message, options);
  }
}

/**
 * Reads a line of a batch's input. A byte order mark before it does not count.
 *
 * @returns `undefined` if the line is blank.
 * @throws {InputLineError} If it cannot be asked at this endpoint.
 * @see https://platform.openai.com/docs/api-reference/batch/request-input
 */
export function decodeInputLine(line: Uint8Array, endpoint: BatchEndpoint): InputLine | undefined {
  const text = decodeText(line);
  if (text.trim() === "") return undefined;
  const said = parseJson(text);
  if (!isObject(said)) throw new InputLineError("invalid_json_line", "The line must be a JSON object");
  const customId = checkCustomId(said["custom_id"]);
  checkMethod(said["method"]);
  checkUrl(said["url"], endpoint);
  const body = checkBody(said["body"]);
  const model = typeof body["model"] === "string" ? body["model"] : undefined;
  return { customId, model, body: bytesOfBody(line) };
}

/** Of a key that stands twice the last one counts. */
function bytesOfBody(line: Uint8Array): Uint8Array<ArrayBuffer> {
  const { start, end } = valuesOf(line, "body").at(-1)!;
  return new Uint8Array(line.subarray(start, end));
}

function decodeText(line: Uint8Array): string {
  try {
    return decoder.decode(line);
  } catch (cause) {
    throw new InputLineError("invalid_utf8", "The line is not valid UTF-8; send JSON encoded as UTF-8", {
      cause,
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = (cause as SyntaxError).message.slice(0, 200);
    throw new InputLineError("invalid_json_line", `The line is not valid JSON: ${detail}`, { cause });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Lone surrogates would become one and the same character on the disk, and two ids one. */
function checkCustomId(said: unknown): string {
  if (said === undefined) {
    throw new InputLineError(
      "missing_required_parameter",
      `"custom_id" is missing; name each request by its own`,
    );
  }
  const isName = typeof said === "string" && said !== "" && said.length <= MAX_CUSTOM_ID_LENGTH &&
    said.isWellFormed() && !CONTROL_CHARACTER.test(said);
  if (isName) return said;
  throw new InputLineError(
    "invalid_custom_id",
    `"custom_id" must be text of 1 to ${MAX_CUSTOM_ID_LENGTH} characters without control characters`,
  );
}

function checkMethod(said: unknown): void {
  if (said === "POST") return;
  const code = said === undefined ? "missing_required_parameter" : "invalid_method";
  throw new InputLineError(
    code,
    said === undefined ? `"method" is missing; it must be "POST"` : `"method" must be "POST"`,
  );
}

function checkUrl(said: unknown, endpoint: BatchEndpoint): void {
  if (said === endpoint) return;
  if (said === undefined) {
    throw new InputLineError("missing_required_parameter", `"url" is missing; it must be "${endpoint}"`);
  }
  throw new InputLineError("invalid_url", `"url" must be "${endpoint}", which is the endpoint of the batch`);
}

function checkBody(said: unknown): Record<string, unknown> {
  if (said === undefined) {
    throw new InputLineError("missing_required_parameter", `"body" is missing; it must be an object`);
  }
  if (!isObject(said)) throw new InputLineError("invalid_body", `"body" must be an object`);
  if (said["stream"] === true) {
    throw new InputLineError("invalid_body", `"body.stream" must be false: a batch has no streams`);
  }
  return said;
}
