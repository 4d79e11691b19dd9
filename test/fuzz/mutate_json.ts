import type { Random } from "../../lib/gguf/seeded_random.ts";
import { placesIn, withRaw } from "../fixtures/bad_bodies.ts";

/** JSON texts that something may stumble over, wherever they stand. */
const NASTY_VALUES = [
  ...[
    "null",
    "true",
    "false",
    "0",
    "-1",
    "0.5",
    "1e400",
    "-1e400",
    "1e-400",
    "9007199254740993",
    "2147483648",
  ],
  ...[
    "1000000000000000000000000000000",
    '""',
    '"x"',
    '" "',
    '"\\ud800"',
    '"\\u0000"',
    '"\\udc00\\ud800"',
    '"ﷺ"',
  ],
  ...[
    "[]",
    "{}",
    "[[]]",
    "[null]",
    '[""]',
    "[1,2]",
    '{"x":1}',
    '{"type":"text"}',
    '{"type":"image"}',
    '{"$ref":"#"}',
  ],
  ...[
    '"data:image/png;base64,AAAA"',
    '"file:///etc/passwd"',
    '"http://127.0.0.1:9/"',
    '"../../etc/passwd"',
    '"0"',
  ],
  ...[
    '"assistant"',
    '"tool"',
    '"developer"',
    '"function"',
    '"auto"',
    '"none"',
    '"required"',
    '"json"',
    '"any"',
  ],
  ...['"-1h"', '"1e99s"', '"NaN"', '{"__proto__":{"a":1}}', '{"length":-1}', '{"toString":1}', '{"then":1}'],
  ...[`"${"a".repeat(10_000)}"`, `${"[".repeat(150)}${"]".repeat(150)}`, `[${"1,".repeat(3_000)}1]`],
] as const;

/** Fields that may stand anywhere, and mean something somewhere. */
const NASTY_KEYS = [
  ..."stream tools tool_choice format think thinking images n stop options keep_alive logprobs suffix raw"
    .split(" "),
  ..."template system context response_format grammar json_schema prompt input echo best_of truncate".split(
    " ",
  ),
  ..."dimensions encoding_format stream_options max_tokens num_ctx num_predict metadata model messages".split(
    " ",
  ),
  ..."__proto__ constructor toString role content type text tool_calls name arguments from files adapters"
    .split(" "),
];

/** A copy of a body with one to three changes, as JSON text, and what was changed; some of `other` may stand in it. */
export function mutateJson(
  body: Readonly<Record<string, unknown>>,
  random: Random,
  other: Readonly<Record<string, unknown>>,
): readonly [Uint8Array<ArrayBuffer>, string] {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const changed = structuredClone(body) as Record<string, unknown>;
  const how: string[] = [];
  for (let left = Math.floor(random() * 3); left > 0; left--) {
    const { holder, key, where } = somePlace(changed, pick);
    const step = pick(STEPS);
    how.push(`${step} ${where}`);
    switch (step) {
      case "delete":
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else delete holder[key];
        break;
      case "repeat":
        if (Array.isArray(holder)) {
          holder.push(...Array.from({ length: 30 }, () => structuredClone(holder[0])));
        } else holder[`${key}2`] = structuredClone(holder[key]);
        break;
      case "wrap":
        holder[key] = pick<unknown>([
          [holder[key]],
          { [pick(NASTY_KEYS)]: holder[key] },
          JSON.stringify(holder[key]),
        ]);
        break;
      case "take":
        holder[key] = structuredClone(somePlace(other, pick).value);
        break;
      case "add": {
        const added = pick(NASTY_KEYS);
        if (!Array.isArray(holder)) define(holder, added, JSON.parse(pick(NASTY_VALUES)));
        how.push(added);
      }
    }
  }
  const places = placesIn(changed);
  if (places.length === 0) return [new TextEncoder().encode(JSON.stringify(changed)), how.join(", ")];
  const path = pick(places);
  const value = pick(NASTY_VALUES);
  how.push(`${path.join(".")} = ${value.slice(0, 40)}`);
  return [withRaw(changed, path, value), how.join(", ")];
}

const STEPS = ["delete", "repeat", "wrap", "take", "add"] as const;

type Holder = Record<string | number, unknown>;

function somePlace(body: unknown, pick: <T>(items: readonly T[]) => T) {
  const places = placesIn(body);
  const path = places.length === 0 ? ["x"] : pick(places);
  let holder = body as Holder;
  for (const step of path.slice(0, -1)) holder = holder[step] as Holder;
  const key = path.at(-1)!;
  return { holder, key, where: path.join("."), value: holder[key] };
}

/** Also `__proto__`, which an assignment would take for something else. */
function define(holder: Holder, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}
