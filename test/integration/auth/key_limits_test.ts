import { deepEqual, equal, match, ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../../fixtures/until.ts";
import { ask, chat, open } from "./key_bed.ts";

/** Between two tokens of a slow stream. */
const TOKEN_MS = 10;

Deno.test("of a key for two at a time a third request is refused at once, until a stream has ended, broken, or its client left", async () => {
  await using bed = await open();
  equal((await chat(bed, "one-key")).status, 200);
  const upstream = bed.upstream;
  const stream = () => bed.chat({ stream: true }, { headers: { "x-api-key": "one-key" } });
  upstream.then({ kind: "ok", tokens: 10_000, intervalMs: TOKEN_MS }, {
    kind: "ok",
    tokens: 10_000,
    intervalMs: 10,
  });
  const [first, second] = [await stream(), await stream()];
  const { status, body, response } = await chat(bed, "one-key");
  deepEqual([status, response.headers.get("retry-after")], [429, "1"]);
  match(
    body.error.message,
    /^The key "one" has 2 of at most 2 requests under way \(concurrency of the key\)/,
  );
  equal((await chat(bed, "chat-key")).status, 200, "others are not held up");
  const isLetIn = async () => (await chat(bed, "one-key")).status === 200;
  await first.body!.cancel();
  await until(isLetIn, "the client that left has given its place back", { withinMs: 10_000 });
  upstream.then({ kind: "break", afterEvents: 2 });
  const broken = await stream();
  equal((await chat(bed, "one-key")).status, 429);
  match(await broken.text(), /error/);
  await until(isLetIn, "the stream that broke has given its place back", { withinMs: 10_000 });
  upstream.then({ kind: "ok", tokens: 3 });
  match(await (await stream()).text(), /\[DONE\]/);
  await until(isLetIn, "the stream that ended has given its place back", { withinMs: 10_000 });
  await second.body!.cancel();
  await until(() => upstream.cancelledCount === 2, "the upstream is let off", { withinMs: 10_000 });
  await delay(2 * TOKEN_MS); // the fake's own timers
});

Deno.test("a client that leaves while it waits gives its place back", async () => {
  await using bed = await open();
  equal((await chat(bed, "one-key")).status, 200);
  bed.upstream.then({ kind: "hang" }, { kind: "hang" });
  const left = new AbortController();
  const waiting = [0, 1].map(() =>
    bed.chat({}, { headers: { "x-api-key": "one-key" }, signal: left.signal }).catch(() => {})
  );
  const status = async () => (await chat(bed, "one-key", { model: "other" })).status;
  await until(async () => await status() === 429, "both are under way");
  left.abort();
  await Promise.all(waiting);
  await until(async () => await status() === 403, "their places are back", { withinMs: 10_000 });
});

Deno.test("clients without a key are limited by their address, models' requests alone", async () => {
  const config = "limits: {client_requests_per_minute: 3}\nauth: {allow_anonymous: true}";
  await using bed = await open({ config });
  const statuses: number[] = [];
  for (let at = 0; at < 4; at++) {
    const response = await bed.chat();
    statuses.push(response.status);
    if (response.status === 429) equal(response.headers.get("retry-after"), "20");
    await response.body?.cancel();
  }
  deepEqual(statuses, [200, 200, 200, 429]);
  for (let at = 0; at < 5; at++) {
    const response = await ask(bed, "GET /v1/models", undefined, undefined);
    equal(response.status, 200, await response.text());
  }
});

Deno.test("10,000 wrong keys are all refused, and leave one line a second at most", async () => {
  await using bed = await open();
  const startedMs = performance.now();
  const statuses = new Set<number>();
  for (let at = 0; at < 10_000; at++) {
    const headers = { authorization: `Bearer wrong-${at}` };
    const response = await bed.fetch(
      new Request("http://gateway/v1/models", { headers }),
      `192.168.1.${at % 7}`,
    );
    statuses.add(response.status);
    ok(response.headers.has("x-sollol-request-id"));
  }
  const seconds = Math.ceil((performance.now() - startedMs) / 1_000);
  deepEqual([...statuses], [401]);
  bed.access[Symbol.dispose]();
  ok(bed.logLines.length <= seconds + 2, `${bed.logLines.length} lines in ${seconds} s`);
  const counts = bed.logLines.slice(1).map(({ unknownKeyCount }) => Number(unknownKeyCount));
  equal(counts.reduce((sum, count) => sum + count, 1), 10_000);
  ok(!JSON.stringify(bed.logLines).includes("wrong-"), "no secret in the log");
});
