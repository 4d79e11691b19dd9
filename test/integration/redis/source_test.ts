import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type Script, ScriptedServer } from "../../fakes/scripted_server.ts";
import { freePort } from "../../fixtures/free_port.ts";
import { until } from "../../fixtures/until.ts";
import { ATTEMPT_MS, RedisBed } from "./redis_bed.ts";

/** A server that says this to whatever it is asked. */
function saying(...parts: (string | Uint8Array)[]): Script {
  return async (peer) => {
    await peer.send(...parts);
    await peer.untilGone();
  };
}

const endless: Script = async (peer) => {
  const filler = new Uint8Array(64 * 1024).fill(0x61);
  await peer.send("*2\r\n$1\r\n1\r\n*20000\r\n");
  for (;;) await peer.send("$65536\r\n", filler, "\r\n");
};

for (
  const { name, script, reason, hangs = false } of [
    {
      name: "never answers",
      script: (peer) => peer.untilGone().then(() => {}),
      reason: /no answer within 10 s/,
      hangs: true,
    },
    { name: "hangs up", script: async () => {}, reason: /closed the connection|reset|Broken pipe/i },
    { name: "wants a password", script: saying("-NOAUTH Authentication required.\r\n"), reason: /^NOAUTH/ },
    { name: "is loading", script: saying("-LOADING Redis is loading the dataset\r\n"), reason: /^LOADING/ },
    {
      name: "is an HTTP server",
      script: saying("HTTP/1.1 400 Bad Request\r\n\r\n"),
      reason: /not answer as Redis/,
    },
    {
      name: "sends garbage",
      script: saying(new Uint8Array(5_000).fill(0xff)),
      reason: /line without an end/,
    },
    { name: "sends binary lines", script: saying("\xff\x00\r\n"), reason: /not answer as Redis/ },
    { name: "announces half a gigabyte", script: saying("$536870912\r\n"), reason: /far too much/ },
    { name: "announces a billion items", script: saying("*1000000000\r\n"), reason: /far too much/ },
    { name: "nests without an end", script: saying("*1\r\n".repeat(1_000)), reason: /not answer as Redis/ },
    { name: "never stops sending", script: endless, reason: /more than 16 MiB/ },
    { name: "answers SCAN with a number", script: saying(":7\r\n"), reason: /not answer SCAN/ },
    {
      name: "has no end of keys",
      script: async (peer) => {
        for (;;) await peer.send("*2\r\n$1\r\n7\r\n*0\r\n");
      },
      reason: /no answer within 10 s/,
      hangs: true,
    },
  ] as { name: string; script: Script; reason: RegExp; hangs?: boolean }[]
) {
  Deno.test(`a Redis that ${name} is told once, and asked again`, async () => {
    await using server = ScriptedServer.start(script);
    ok(server.address.transport === "tcp");
    await using bed = new RedisBed(`redis://127.0.0.1:${server.address.port}`);
    await bed.untilTrue(() => server.peers.length >= 4, { hangs });
    deepEqual(bed.log.said, ["warn redis cannot be read"]);
    match(String(bed.log.lines[0]!["reason"]), reason);
    deepEqual(bed.told, [], "told of backends that it cannot know");
  });
}

Deno.test("a Redis that is not there is asked after 1, 2, 4, 8, 16, 30 and 30 s", async () => {
  await using bed = new RedisBed(`redis://127.0.0.1:${freePort()}`);
  await bed.untilTrue(() => bed.clock.sleepsMs.length >= 14);
  const waitsMs = bed.clock.sleepsMs.slice(0, 14).filter((ms) => ms !== ATTEMPT_MS);
  deepEqual(waitsMs, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  match(String(bed.log.lines[0]!["reason"]), /refused/);
  equal(bed.log.lines.length, 1);
});

Deno.test("a source stops at once, also amid an attempt that hangs", async () => {
  await using server = ScriptedServer.start((peer) => peer.untilGone().then(() => {}));
  ok(server.address.transport === "tcp");
  const bed = new RedisBed(`redis://127.0.0.1:${server.address.port}`);
  await until(() => server.peers.length === 1, "it has connected");
  await bed[Symbol.asyncDispose]();
  deepEqual(bed.log.lines, [], "took its own stop for a failure");
});

Deno.test("the password is not logged, even if the server repeats it", async () => {
  await using server = ScriptedServer.start(
    saying("-ERR unknown command 'AUTH', with args beginning with: 'gehe/im'\r\n"),
  );
  ok(server.address.transport === "tcp");
  await using bed = new RedisBed(`redis://nora:gehe%2Fim@127.0.0.1:${server.address.port}/3`);
  await bed.untilSaid(1);
  const [line] = bed.log.lines;
  equal(line!["redis"], `redis://127.0.0.1:${server.address.port}/3`);
  match(String(line!["reason"]), /beginning with: '\*\*\*'/);
  ok(!/gehe|nora/.test(JSON.stringify(bed.log.lines)));
});
