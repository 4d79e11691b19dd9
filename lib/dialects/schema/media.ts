import * as z from "zod";

/**
 * Whether something is to be fetched. No base64 has a colon; but llama-server takes whatever begins with `http` for an
 * address.
 *
 * @see `handle_media` in tools/server/server-common.cpp of llama.cpp
 */
const IS_ADDRESS = /^\s*(?:http|(?!data:)[a-z][a-z0-9+.-]{0,30}:)/i;
/** Where a scheme ends at the latest, characters. */
const LOOKED_AT = 64;

/**
 * A picture or a sound as it is, never where it is: whoever fetched that for a client would fetch it from inside our
 * network.
 *
 * @param keys Where an object may hold it; one of them must be there. Text is the data itself.
 */
export function mediaField(keys: readonly string[]) {
  return z.unknown().optional().superRefine((said, context) => {
    const refuse = (path: readonly string[], message: string) =>
      context.addIssue({ code: "custom", path: [...path], message });
    const check = (data: unknown, path: readonly string[]) => {
      if (typeof data !== "string") return refuse(path, "must be text");
      if (IS_ADDRESS.test(data.slice(0, LOOKED_AT))) refuse(path, NOT_FETCHED);
    };
    if (typeof said === "string") return check(said, []);
    const found = keys.filter((key) => member(said, key) !== undefined);
    if (found.length === 0) return refuse([], `must be an object with "${keys[0]}"`);
    for (const key of found) check(member(said, key), [key]);
  });
}

/** A part of a message that holds one in the member that is called as its type is. */
export function mediaPart<T extends string>(type: T, keys: readonly string[]) {
  return z.looseObject({ type: z.literal(type), [type]: mediaField(keys) }).refine(
    (said) => said[type] !== undefined,
    { path: [type], message: `must be an object with "${keys[0]}"` },
  );
}

const NOT_FETCHED =
  'must hold the data itself, as "data:image/png;base64,…": what stands at an address is not fetched here, ' +
  "so fetch it yourself and send what you got";

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[key] ?? undefined
    : undefined;
}
