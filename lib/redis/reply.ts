/** What Redis answers to one command. */
export type RedisReply = string | number | null | RedisError | readonly RedisReply[];

/** Redis refused a command: a value, because the other commands that were sent with it are answered all the same. */
export class RedisError extends Error {
  /** Tells it from other errors. */
  override readonly name = "RedisError";
}

/** Bytes as they come, without an end. */
export interface ByteSource {
  /** Up to the next CR LF, without it. Throws a `RangeError` if that is not within a few KiB. */
  readLine(): Promise<string>;
  /** As many as that. */
  readBytes(count: number): Promise<Uint8Array>;
}

/** Far more than we ask for: we ask for the first 4 KiB of values. */
const MAX_BULK_BYTES = 64 * 1024;
const MAX_ITEMS = 20_000;
/** The answer to SCAN is an array in an array. */
const MAX_DEPTH = 2;

/**
 * Reads one answer in RESP2, which every Redis speaks unless told otherwise. Takes no more memory than an answer to
 * our commands can need, whatever the other end claims to send.
 *
 * @param depth In how many arrays the answer stands; 0 for a whole one.
 * @throws {RangeError} If it is no such answer, or too large: the other end is no Redis.
 * @throws What the source throws.
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export async function readReply(source: ByteSource, depth = 0): Promise<RedisReply> {
  const line = await source.readLine();
  const [type, rest] = [line.slice(0, 1), line.slice(1)];
  if (type === "+") return rest;
  if (type === "-") return new RedisError(rest);
  if (type === ":" && /^[+-]?\d{1,19}$/.test(rest)) return Number(rest);
  if (type === "$") return await readBulk(source, readCount(rest, MAX_BULK_BYTES));
  if (type === "*" && depth < MAX_DEPTH) return await readArray(source, readCount(rest, MAX_ITEMS), depth);
  throw notRedis();
}

/** A `NaN` for what is no whole number within the bounds; -1 stands for nothing. */
function readCount(text: string, max: number): number {
  const count = /^-?\d{1,15}$/.test(text) ? Number(text) : NaN;
  return count >= -1 && count <= max ? count : NaN;
}

async function readBulk(source: ByteSource, count: number): Promise<string | null> {
  if (Number.isNaN(count)) throw notRedis();
  if (count === -1) return null;
  const text = new TextDecoder().decode(await source.readBytes(count));
  const end = await source.readLine();
  if (end !== "") throw notRedis();
  return text;
}

async function readArray(source: ByteSource, count: number, depth: number): Promise<RedisReply[] | null> {
  if (Number.isNaN(count)) throw notRedis();
  if (count === -1) return null;
  const items: RedisReply[] = [];
  while (items.length < count) items.push(await readReply(source, depth + 1));
  return items;
}

function notRedis(): RangeError {
  return new RangeError("what listens there does not answer as Redis does, or answers far too much");
}
