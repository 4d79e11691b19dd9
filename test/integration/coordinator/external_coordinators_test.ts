import { deepEqual, equal, match, ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { Secrets } from "../../../lib/config/secrets.ts";
import { ExternalCoordinators } from "../../../lib/coordinator/external_coordinators.ts";
import type { ExternalSettings } from "../../../lib/coordinator/external_settings.ts";
import { formatAddress } from "../../../lib/http/address.ts";
import { HttpClient } from "../../../lib/http/client.ts";
import { silentLogger } from "../../../lib/log.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import { FakeLlamaServer } from "../../fakes/fake_llama_server.ts";
import { answering, ok as answer, type Script, ScriptedServer } from "../../fakes/scripted_server.ts";
import { until } from "../../fixtures/until.ts";

const { key } = toWanted("fake");
const KEY_REFUSAL = `{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}`;

function settings(url: string, more: Partial<ExternalSettings> = {}): ExternalSettings {
  return { url, apiKey: undefined, model: undefined, usesList: true, lostAfterMs: 30_000, ...more };
}

/** Checks these, and is done with the first answers. */
async function started(http: HttpClient, list: readonly ExternalSettings[]): Promise<ExternalCoordinators> {
  const all = new ExternalCoordinators(list, { http, logger: silentLogger });
  await all.start();
  return all;
}

function status(line: string, body = ""): Script {
  return answering(`HTTP/1.1 ${line}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

/** Sends its parts with pauses, until the client leaves. */
function dripping(head: string, part: string, pauseMs: number): Script {
  return async (peer) => {
    await peer.receive();
    await peer.send(head);
    for (;;) {
      await peer.send(part);
      await delay(pauseMs);
    }
  };
}

/** As some builds of llama-server do with a key: their models are told to everybody, the rest only to whoever shows it. */
const keyed: Script = async (peer) => {
  for (;;) {
    const { head } = await peer.receive();
    const isAllowed = head.startsWith("GET /v1/models ") || /^authorization: Bearer right\r$/im.test(head);
    if (!isAllowed) {
      await peer.send(`HTTP/1.1 401 X\r\nContent-Length: ${KEY_REFUSAL.length}\r\n\r\n${KEY_REFUSAL}`);
    } else if (head.startsWith("GET /props ")) await peer.send(answer(`{"total_slots":2}`));
    else await peer.send(answer(`{"data":[{"id":"fake"}]}`));
  }
};

const HUGE_LIST = JSON.stringify({
  data: Array.from({ length: 200_000 }, (_, index) => ({ id: `m${index}` })),
});

const rows: { name: string; script: Script; health?: string; reason: RegExp }[] = [
  {
    name: "that loads its model",
    script: status("503 X", `{"error":{"message":"Loading model","type":"unavailable_error","code":503}}`),
    health: "loading",
    reason: /loading its model/,
  },
  { name: "that wants a key", script: status("401 X", KEY_REFUSAL), reason: /asks for a key; .*its api_key/ },
  {
    name: "that redirects",
    script: status("302 Found\r\nLocation: http://127.0.0.1:1/"),
    reason: /answered 302; configure the URL that it leads to/,
  },
  {
    name: "that is no llama-server",
    script: answering(answer("<html>")),
    reason: /something else than a list/,
  },
  {
    name: "that is no HTTP server",
    script: answering("220 mail ready\r\n\r\n"),
    reason: /Got no answer from/,
  },
  { name: "that hangs up", script: () => Promise.resolve(), reason: /closed|reset/i },
  { name: "with a huge list", script: answering(answer(HUGE_LIST)), reason: /more than 1048576 bytes/ },
  {
    name: "whose answer has no end",
    script: dripping(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      `10000\r\n${" ".repeat(65_536)}\r\n`,
      0,
    ),
    reason: /more than 1048576 bytes/,
  },
  {
    name: "that sends a byte now and then",
    script: dripping("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", " ", 200),
    reason: /did not answer .* within 2\.0 s/,
  },
  { name: "that never answers", script: (peer) => peer.untilGone().then(() => {}), reason: /did not answer/ },
];

for (const { name, script, health = "down", reason } of rows) {
  Deno.test(`a coordinator ${name} holds nothing up and is ${health}`, async () => {
    await using odd = ScriptedServer.start(script);
    await using well = new FakeLlamaServer(["fake"]);
    using http = new HttpClient();
    const urls = [formatAddress(odd.address), well.url];
    const startedMs = performance.now();
    await using all = await started(http, urls.map((url) => settings(url)));
    ok(performance.now() - startedMs < 4_000, "the start waited too long");
    equal(all.facts[0]!.health, health, all.facts[0]!.reason);
    match(all.facts[0]!.reason, reason);
    using lease = all.acquire(key);
    equal(lease?.external.url, well.url);
  });
}

for (
  const { name, apiKey, health, reason } of [
    { name: "the right key", apiKey: "right", health: "up", reason: /serves fake/ },
    {
      name: "a wrong key",
      apiKey: "wrong-secret",
      health: "down",
      reason: /refuses the configured key; correct its api_key/,
    },
    {
      name: "no key",
      apiKey: undefined,
      health: "down",
      reason: /asks for a key; list it under coordinators/,
    },
  ]
) {
  Deno.test(`with ${name}, a coordinator that tells its models to everybody is ${health}`, async () => {
    await using server = ScriptedServer.start(keyed);
    using http = new HttpClient();
    const secrets = apiKey === undefined ? undefined : new Secrets([apiKey]);
    await using all = await started(http, [settings(formatAddress(server.address), { apiKey: secrets })]);
    const [view] = all.views();
    deepEqual([view!.health, view!.slotCount], [health, health === "up" ? 2 : undefined]);
    match(view!.reason, reason);
    ok(!JSON.stringify(all.views()).includes("wrong-secret"));
  });
}

Deno.test("one that dies and comes back is found out by a request and by a check", async () => {
  using http = new HttpClient();
  const first = new FakeLlamaServer(["fake"]);
  const { url, address } = first;
  await using all = await started(http, [settings(url)]);
  await first[Symbol.asyncDispose]();
  using lease = all.acquire(key)!;
  await http.send(address, { method: "POST", target: "/v1/chat/completions", fresh: true })
    .then(() => ok(false, "somebody answered"), (error) => lease.reportFailure(error));
  deepEqual([all.facts[0]!.health, all.acquire(key)], ["down", undefined]);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: first.port, onListen: () => {} },
    () => Response.json({ data: [{ id: "fake" }] }),
  );
  await until(() => all.acquire(key) !== undefined, "it is used again", { withinMs: 10_000 });
  http[Symbol.dispose](); // its idle connections would hold up the server's end
  await server.shutdown();
});

Deno.test("a list that changes while requests are in flight leaves them alone", async () => {
  await using one = new FakeLlamaServer(["fake"]);
  await using two = new FakeLlamaServer(["fake"]);
  using http = new HttpClient();
  await using all = await started(http, [settings(one.url)]);
  one.then({ kind: "ok", tokens: 20, intervalMs: 10 });
  using lease = all.acquire(key)!;
  const body = new TextEncoder().encode(`{"stream":true}`);
  const response = await http.send(lease.external.address, {
    method: "POST",
    target: "/v1/chat/completions",
    body,
  });
  await all.apply([settings(two.url)]);
  match(await response.body.text(1_000_000), /\[DONE\]/);
  lease.reportAnswer(response.status);
  using next = all.acquire(key);
  deepEqual([next?.external.url, all.views().map(({ url }) => url)], [two.url, [two.url]]);
});
