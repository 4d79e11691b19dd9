import { deepEqual, equal, rejects } from "node:assert/strict";
import { GatewayClient } from "../../../lib/cli/gateway_client.ts";
import { findGateway } from "../../../lib/cli/gateway_target.ts";
import { mergeConfig } from "../../../lib/config/merge.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { until } from "../../fixtures/until.ts";

/** A gateway whose stream says what the test says, when it says. */
function streamingGateway() {
  const stream = Promise.withResolvers<ReadableStreamDefaultController<Uint8Array>>();
  const encoder = new TextEncoder();
  let isLeft = false;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => stream.resolve(controller),
      cancel: () => void (isLeft = true),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    say: async (text: string) => (await stream.promise).enqueue(encoder.encode(text)),
    isLeft: () => isLeft,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function clientOf(url: string, clock: FakeClock, signal = new AbortController().signal): GatewayClient {
  const target = findGateway({ gateway: url, token: undefined }, mergeConfig({}).config, {});
  return new GatewayClient(target, { signal, clock });
}

Deno.test("GatewayClient.listen() bears silence as long as it is broken now and then, and no longer", async () => {
  const clock = new FakeClock();
  await using gateway = streamingGateway();
  using client = clientOf(gateway.url, clock);
  const events = client.listen("/events");
  for (let count = 0; count < 3; count++) {
    const next = events.next();
    await gateway.say(": still here\n\n");
    await gateway.say(`data: ${count}\n\n`);
    deepEqual((await next).value, { type: "message", data: String(count) });
    clock.advance(40_000);
  }
  const silent = rejects(events.next(), {
    code: "upstream_timeout",
    message: /^Nothing was heard of http.* for 45\.0 s;/,
  });
  await until(() => (clock.advance(45_000), gateway.isLeft()), "the silence is too long");
  await silent;
});

Deno.test("GatewayClient.listen() ends when it is told to, or left, and lets go of the connection", async () => {
  for (const how of ["until", "return"]) {
    await using gateway = streamingGateway();
    using client = clientOf(gateway.url, new FakeClock());
    const stop = new AbortController();
    const events = client.listen("/events", { until: stop.signal });
    const first = events.next();
    await gateway.say("data: x\n\n");
    await first;
    if (how === "return") await events.return();
    else {
      const next = events.next();
      stop.abort();
      equal((await next).done, true);
    }
    await until(gateway.isLeft, "the connection is closed");
  }
});

Deno.test("GatewayClient.listen() throws the reason of the program's own end", async () => {
  await using gateway = streamingGateway();
  const stop = new AbortController();
  using client = clientOf(gateway.url, new FakeClock(), stop.signal);
  const events = client.listen("/events");
  const first = events.next();
  await gateway.say("data: x\n\n");
  await first;
  const reason = new Error("Ctrl-C");
  const next = rejects(events.next(), reason);
  stop.abort(reason);
  await next;
  await until(gateway.isLeft, "the connection is closed");
});

for (
  const { name, response, message } of [
    {
      name: "JSON instead of events",
      response: () => Response.json({}),
      message: /answered 200 to GET \/events as no/,
    },
    {
      name: "a refusal",
      response: () => Response.json({ error: { code: "not_found", message: "No c9" } }, { status: 404 }),
      message: /^No c9$/,
    },
    {
      name: "a proxy's error page",
      response: () => new Response("<html>", { status: 502 }),
      message: /answered 502 to GET \/events as no/,
    },
  ]
) {
  Deno.test(`GatewayClient.listen() refuses ${name}`, async () => {
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, response);
    using client = clientOf(`http://127.0.0.1:${server.addr.port}`, new FakeClock());
    await rejects(client.listen("/events").next(), { name: "GatewayError", message });
  });
}

Deno.test("GatewayClient.askText() takes text only, and gives a refusal as it is", async () => {
  let response = () => new Response("a\nb\n");
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => response());
  using client = clientOf(`http://127.0.0.1:${server.addr.port}`, new FakeClock());
  equal(await client.askText("/log"), "a\nb\n");
  response = () => new Response("<html>", { headers: { "content-type": "text/html" } });
  await rejects(client.askText("/log"), { message: /answered 200 to GET \/log as no sollol gateway/ });
  response = () => Response.json({ error: { code: "not_found", message: "No c9" } }, { status: 404 });
  await rejects(client.askText("/log"), { code: "not_found", message: "No c9" });
});
