import type { RedisConnection } from "./connection.ts";
import { REGISTRATION_PREFIX } from "./registration.ts";
import { RedisError, type RedisReply } from "./reply.ts";

const MAX_KEYS = 1_000;
/** Keys that Redis looks at in one step: it serves nobody else meanwhile, some 0.1 ms. */
const SCAN_COUNT = 1_000;
/** What a registration cannot exceed; of more only so much is fetched. */
const MAX_VALUE_BYTES = 4 * 1024;
const BATCH = 100;

/** The registrations as they are in Redis. */
export interface RedisKeys {
  /** Value by key; an error if the key holds no text. */
  readonly values: ReadonlyMap<string, string | RedisError>;
  /** Whether there were more than 1,000. */
  readonly isCut: boolean;
}

/**
 * Reads all registrations, at most 1,000 and at most 4 KiB of each. By `SCAN`, since `KEYS` stops a Redis that has
 * many keys; and by `GETRANGE`, which unlike `MGET` leaves what is too large where it is.
 *
 * @throws As {@linkcode RedisConnection.ask}.
 */
export async function readRegistrations(connection: RedisConnection): Promise<RedisKeys> {
  const { keys, isCut } = await scanKeys(connection);
  const values = new Map<string, string | RedisError>();
  for (let at = 0; at < keys.length; at += BATCH) {
    const batch = keys.slice(at, at + BATCH);
    const replies = await connection.askAll(
      batch.map((key) => ["GETRANGE", key, "0", String(MAX_VALUE_BYTES - 1)]),
    );
    for (const [index, reply] of replies.entries()) {
      const isGone = reply === "" || reply === null; // it expired meanwhile
      if (!isGone) values.set(batch[index]!, textOf(reply));
    }
  }
  return { values, isCut };
}

async function scanKeys(connection: RedisConnection): Promise<{ keys: string[]; isCut: boolean }> {
  const keys = new Set<string>(); // SCAN may tell a key twice
  let cursor = "0";
  do {
    const reply = await connection.ask([
      "SCAN",
      cursor,
      "MATCH",
      `${REGISTRATION_PREFIX}*`,
      "COUNT",
      String(SCAN_COUNT),
    ]);
    const page = readPage(reply);
    for (const key of page.keys) keys.add(key);
    cursor = page.cursor;
  } while (cursor !== "0" && keys.size <= MAX_KEYS);
  return { keys: [...keys].slice(0, MAX_KEYS), isCut: keys.size > MAX_KEYS };
}

function readPage(reply: RedisReply): { cursor: string; keys: string[] } {
  const [cursor, keys] = Array.isArray(reply) ? reply : [];
  const isPage = typeof cursor === "string" && Array.isArray(keys) &&
    keys.every((key) => typeof key === "string");
  if (!isPage) throw new RangeError("what listens there does not answer SCAN as Redis does");
  return { cursor, keys };
}

function textOf(reply: RedisReply): string | RedisError {
  if (typeof reply === "string" || reply instanceof RedisError) return reply;
  throw new RangeError("what listens there does not answer GETRANGE as Redis does");
}
