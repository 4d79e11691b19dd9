import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { HttpClient } from "../../../lib/http/client.ts";
import { brokeOff } from "../../../lib/router/answer_stream.ts";
import type { Route } from "../../../lib/router/route.ts";
import { type Successor, successorAt } from "../../../lib/router/successor.ts";
import { readAll } from "../../fakes/fake_answer_events.ts";
import { answering, ok, ScriptedServer } from "../../fakes/scripted_server.ts";

const SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
const BODY = new TextEncoder().encode("{}");

/** A successor that answers by script, and how often its slot was given back. */
async function withSuccessor(
  script: Parameters<typeof ScriptedServer.start>[0],
  use: (successor: Successor, client: AbortController) => Promise<void>,
): Promise<void> {
  await using server = ScriptedServer.start(script);
  using http = new HttpClient();
  const client = new AbortController();
  let disposedCount = 0;
  const route: Route = {
    to: "coordinator",
    upstream: "coordinator of tiny",
    triedAs: "sharded",
    modelName: undefined,
    address: server.address,
    basePath: "/base",
    headers: [["authorization", "Bearer own"]],
    process: undefined,
    because: "it is ready",
    queueMs: 0,
    loadMs: 0,
    [Symbol.dispose]: () => disposedCount++,
  };
  {
    using successor = successorAt(route, {
      dead: new AbortController().signal,
      http,
      connectTimeoutMs: 2_000,
      signal: client.signal,
      explain: (thrown) =>
        Promise.resolve({
          error: client.signal.aborted ? thrown : brokeOff(thrown),
          isRetryable: false,
          isExcluded: false,
          wasSent: true,
        }),
    });
    await use(successor, client);
  }
  equal(disposedCount, 1);
}

Deno.test("a question is asked with the coordinator's own credentials, below its path", async () => {
  let head = "";
  await withSuccessor(async (peer) => {
    head = (await peer.receive()).head;
    await peer.send(ok(`{"prompt":"p"}`));
  }, async (successor) => {
    deepEqual(await successor.ask("/apply-template", BODY), { prompt: "p" });
  });
  match(head, /^POST \/base\/apply-template HTTP/);
  match(head, /authorization: Bearer own/i);
});

Deno.test("a refusal is an error that names who refused what", async () => {
  const refusal = `HTTP/1.1 400 No\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
  await withSuccessor(answering(refusal), async (successor) => {
    await rejects(
      successor.ask("/apply-template", BODY),
      /coordinator of tiny answered \/apply-template with 400/,
    );
    await rejects(
      successor.open("/v1/completions", BODY),
      /coordinator of tiny answered \/v1\/completions with 400/,
    );
  });
});

Deno.test("an answer that is no JSON is no answer", async () => {
  await withSuccessor(answering(ok("<html>")), async (successor) => {
    equal(await successor.ask("/apply-template", BODY), undefined);
  });
});

Deno.test("a stream opens with its first event and is read to its end", async () => {
  await withSuccessor(async (peer) => {
    await peer.receive();
    await peer.send(SSE, ":\n\n", "data: 1\n\n", "data: [DONE]\n\n");
  }, async (successor) => {
    const { text, error } = await readAll(await successor.open("/v1/completions", BODY));
    deepEqual([text.endsWith("data: 1\n\ndata: [DONE]\n\n"), error], [true, undefined]);
  });
});

Deno.test("one that breaks is explained, before its first event and after", async () => {
  await withSuccessor(async (peer) => {
    await peer.receive();
    await peer.send(SSE, ":\n\n");
  }, (successor) => rejects(successor.open("/v1/completions", BODY), { code: "upstream_failed" }));
  await withSuccessor(async (peer) => {
    await peer.receive();
    await peer.send(SSE, "data: 1\n\n");
  }, async (successor) => {
    const { error } = await readAll(await successor.open("/v1/completions", BODY));
    match((error as Error).message, /ended early.*0 tokens had been delivered/);
  });
});

Deno.test("a client that leaves ends a question and a stream that are under way", async () => {
  for (const ask of ["ask", "open"] as const) {
    const asked = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<number>();
    await withSuccessor(async (peer) => {
      await peer.receive();
      asked.resolve();
      gone.resolve(await peer.untilGone());
    }, async (successor, client) => {
      const answer = successor[ask]("/v1/completions", BODY);
      await asked.promise;
      client.abort(new Error("the client left"));
      await rejects(answer, /the client left/);
      equal(await gone.promise, 0);
    });
  }
});
