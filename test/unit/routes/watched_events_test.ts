import { deepEqual, equal } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { WatchedEvents } from "../../../routes/watched_events.ts";
import { FakeAnswerEvents, readAll, type Step } from "../../fakes/fake_answer_events.ts";

function watched(steps: Step[]) {
  const left = new AbortController();
  const events = new FakeAnswerEvents(steps);
  let isWatched = true;
  const client = { signal: left.signal, [Symbol.dispose]: () => void (isWatched = false) };
  return { left, events, stream: new WatchedEvents(events, client), isWatched: () => isWatched };
}

Deno.test("a stream whose client is seen to have left is cancelled, and the client watched no more", async () => {
  const { left, events, stream, isWatched } = watched(["a", "b"]);
  await stream.read();
  deepEqual([events.isCancelled, isWatched()], [false, true]);
  left.abort();
  deepEqual([events.isCancelled, isWatched()], [true, false]);
});

Deno.test("a stream that is over needs no watch", async () => {
  for (const end of [[], [new GatewayError("upstream_failed", "it died")]]) {
    const { left, events, stream, isWatched } = watched(["a", ...end]);
    equal((await readAll(stream)).text, "a");
    left.abort();
    deepEqual([events.isCancelled, isWatched()], [false, false]);
  }
});
