import { deepEqual, ok } from "node:assert/strict";
import { type Random, seededRandom } from "../../../lib/gguf/seeded_random.ts";
import { ANSWERS, octets, play } from "./outcome.ts";

/** Pieces that have confused readers before. */
const NASTY = [
  ..."\r,\n,\r\n,\r\n\r\n,\0, ,\t,:,;,0,f,\x7f,\x80,\xff".split(","),
  "Content-Length: 1\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 200 OK\r\n",
  "ffffffffffffffff\r\n",
  "0\r\n\r\n",
].map(octets);

const ANSWER_COUNT = 20_000;

Deno.test(`Exchange gives ${ANSWER_COUNT} damaged answers one meaning each, or refuses them as an HttpError`, async () => {
  const random = seededRandom(1);
  let acceptedCount = 0;
  for (let count = 0; count < ANSWER_COUNT; count++) {
    const { text, method = "GET" } = ANSWERS[count % ANSWERS.length]!;
    const damaged = damage(octets(text), random);
    const whole = await play([damaged], { method });
    const pieces = await play(split(damaged, random), { method });
    const shown = JSON.stringify(String.fromCharCode(...damaged));
    deepEqual(pieces.outcome, whole.outcome, shown);
    ok(
      whole.reusableMs !== undefined && pieces.reusableMs !== undefined,
      `the connection was given back: ${shown}`,
    );
    if (!whole.outcome.error) acceptedCount++;
  }
  // Else the damage would be so small, or so great, that one of the two branches went untested.
  ok(acceptedCount > ANSWER_COUNT / 20 && acceptedCount < ANSWER_COUNT / 2, `${acceptedCount} were accepted`);
});

function damage(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  let damaged = bytes;
  for (let left = 1 + Math.floor(random() * 3); left > 0; left--) {
    const at = Math.floor(random() * (damaged.length + 1));
    const removed = random() < 0.5 ? Math.floor(random() * 4) : 0;
    const inserted = random() < 0.7 ? NASTY[Math.floor(random() * NASTY.length)]! : new Uint8Array();
    damaged = new Uint8Array([...damaged.subarray(0, at), ...inserted, ...damaged.subarray(at + removed)]);
  }
  return damaged;
}

function split(bytes: Uint8Array, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + Math.floor(random() * 20);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
