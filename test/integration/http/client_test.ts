import { deepEqual, equal, ok as truthy, rejects } from "node:assert/strict";
import { type HttpBody, HttpClient, type HttpRequest } from "../../../lib/http/client.ts";
import {
  answering,
  ok,
  type Script,
  ScriptedServer,
  type ScriptedServerOptions,
} from "../../fakes/scripted_server.ts";

const POST: HttpRequest = { method: "POST", target: "/v1/chat", body: new TextEncoder().encode("question") };
const GET: HttpRequest = { method: "GET", target: "/health" };

async function ask(client: HttpClient, server: ScriptedServer, request: HttpRequest = POST): Promise<string> {
  const { body } = await client.send(server.address, request);
  return await body.text(1_000_000);
}

/** Lets the event loop deliver what the peer did: loopback needs a turn or two. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

async function transports(run: (options: ScriptedServerOptions) => Promise<void>): Promise<void> {
  await run({});
  const folder = await Deno.makeTempDir();
  try {
    await run({ unixPath: `${folder}/upstream.sock` });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("HttpClient sends a request as it is and reuses the connection, over TCP and a unix socket", async () => {
  await transports(async (options) => {
    const received: string[] = [];
    await using server = ScriptedServer.start(async (peer) => {
      for (;;) {
        const { head, body } = await peer.receive();
        received.push(head + new TextDecoder().decode(body));
        await peer.send(ok(`answer ${received.length}`));
      }
    }, options);
    using client = new HttpClient();
    equal(await ask(client, server), "answer 1");
    equal(await ask(client, server, { ...GET, headers: [["X-A", "b"]] }), "answer 2");
    const host = options.unixPath ? "localhost" : `127.0.0.1:${(server.address as { port: number }).port}`;
    deepEqual(received, [
      `POST /v1/chat HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 8\r\n\r\nquestion`,
      `GET /health HTTP/1.1\r\nHost: ${host}\r\nX-A: b\r\n\r\n`,
    ]);
    equal(server.peers.length, 1);
  });
});

Deno.test("HttpClient gives each of 50 requests at once its own connection, and then needs no new one", async () => {
  await using server = ScriptedServer.start(answering(ok("hi")));
  using client = new HttpClient();
  const burst = () => Promise.all(Array.from({ length: 50 }, () => ask(client, server)));
  deepEqual([...await burst(), ...await burst()], Array(100).fill("hi"));
  equal(server.peers.length, 50);
});

for (
  const { name, answer = ok("hi"), request = GET, options = {} } of [
    {
      name: "after Connection: close",
      answer: `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi`,
    },
    { name: "after HTTP/1.0", answer: `HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi` },
    { name: "after bytes that belong to no answer", answer: `${ok("hi")}HTTP/1.1 200 OK\r\n\r\n` },
    { name: "for a fresh request", request: { ...GET, fresh: true } },
    { name: "when none may be idle", options: { maxIdlePerAddress: 0 } },
    { name: "when idle connections may not grow old", options: { idleTimeoutMs: 1 } },
  ]
) {
  Deno.test(`HttpClient opens a new connection ${name}`, async () => {
    await using server = ScriptedServer.start(answering(answer));
    using client = new HttpClient(options);
    equal(await ask(client, server, request), "hi");
    await settle();
    equal(await ask(client, server, request), "hi");
    equal(server.peers.length, 2);
  });
}

Deno.test("HttpClient says Connection: close for a fresh request, and closes", async () => {
  const { promise: gone, resolve } = Promise.withResolvers<string>();
  await using server = ScriptedServer.start(async (peer) => {
    const { head } = await peer.receive();
    await peer.send(ok("hi"));
    await peer.untilGone();
    resolve(head);
  });
  using client = new HttpClient();
  await ask(client, server, { ...GET, fresh: true });
  truthy((await gone).includes("\r\nConnection: close\r\n"));
});

for (
  const { name, script } of [
    { name: "closed", script: undefined },
    {
      name: "said something unasked on",
      script: "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
    },
  ]
) {
  Deno.test(`HttpClient does not use an idle connection that its peer ${name}`, async () => {
    await using server = ScriptedServer.start(async (peer) => {
      await peer.receive();
      await peer.send(ok("hi"));
      if (script) await peer.send(script), await peer.untilGone();
    });
    using client = new HttpClient();
    for (let count = 0; count < 3; count++) {
      equal(await ask(client, server), "hi");
      await settle();
    }
    equal(server.peers.length, 3);
  });
}

Deno.test("HttpClient does not send again what a reused connection took and did not answer", async () => {
  let requestCount = 0;
  await using server = ScriptedServer.start(async (peer) => {
    await peer.receive();
    requestCount++;
    await peer.send(ok("hi"));
    await peer.receive();
    requestCount++; // and leaves without an answer
  });
  using client = new HttpClient();
  await ask(client, server);
  await rejects(ask(client, server), {
    name: "HttpError",
    phase: "head",
    kind: "closed",
    sent: true,
    answered: false,
  });
  await settle();
  deepEqual([requestCount, server.peers.length], [2, 1]);
});

for (
  const { name, address, want } of [
    {
      name: "nobody listens",
      address: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
      want: {
        phase: "connect",
        kind: "refused",
        message: /^Cannot connect to http:\/\/127.0.0.1:1: .*check that it runs/,
      },
    },
    {
      name: "a socket file is missing",
      address: { transport: "unix", path: "/nonexistent/upstream.sock" },
      want: { phase: "connect", kind: "refused", message: /unix:\/nonexistent\/upstream.sock/ },
    },
    {
      name: "a name is no host",
      address: { transport: "tcp", hostname: "no host", port: 80 },
      want: {
        phase: "resolve",
        kind: "unreachable",
        message: /^Cannot resolve the host of http:\/\/no host:80/,
      },
    },
  ] as const
) {
  Deno.test(`HttpClient says that nothing was sent when ${name}`, async () => {
    using client = new HttpClient();
    await rejects(client.send(address, POST), { name: "HttpError", sent: false, answered: false, ...want });
  });
}

Deno.test("HttpClient rejects a request that is no HTTP before it connects", async () => {
  await using server = ScriptedServer.start(answering(ok("hi")));
  using client = new HttpClient();
  await rejects(client.send(server.address, { ...GET, target: "/a b" }), TypeError);
  await settle();
  equal(server.peers.length, 0);
});

/** Plays a head, the body bytes in turn, and then waits for the client to leave. */
const thenSilence = (...parts: string[]): Script => async (peer) => {
  await peer.receive();
  await peer.send(...parts);
  await peer.untilGone();
};

Deno.test("HttpClient gives up waiting for the head at its deadline, not before, and closes", async () => {
  await using server = ScriptedServer.start(thenSilence("HTTP/1.1 200 OK\r\nX: "));
  using client = new HttpClient();
  const startedAt = performance.now();
  await rejects(client.send(server.address, { ...GET, headTimeoutMs: 40 }), {
    name: "HttpError",
    phase: "head",
    kind: "timeout",
    sent: true,
    answered: true,
    message: /no head came within 40 ms/,
  });
  truthy(performance.now() - startedAt >= 39);
});

Deno.test("HttpClient does not count a slow body against the head's deadline", async () => {
  await using server = ScriptedServer.start(async (peer) => {
    await peer.receive();
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 60));
    await peer.send("hi");
  });
  using client = new HttpClient();
  equal(await ask(client, server, { ...GET, headTimeoutMs: 30 }), "hi");
});

Deno.test("HttpClient refuses a head without an end while it is still being sent", async () => {
  await using server = ScriptedServer.start(async (peer) => {
    await peer.receive();
    await peer.send("HTTP/1.1 200 OK\r\n");
    for (;;) await peer.send(`X: ${"y".repeat(1_000)}\r\n`);
  });
  using client = new HttpClient();
  await rejects(client.send(server.address, GET), {
    phase: "head",
    kind: "too_large",
    message: /65536 bytes/,
  });
});

Deno.test("HttpClient refuses chunks without an end when their reader has enough", async () => {
  await using server = ScriptedServer.start(async (peer) => {
    await peer.receive();
    await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (;;) await peer.send("1\r\nx\r\n".repeat(1_000));
  });
  using client = new HttpClient();
  const { body } = await client.send(server.address, GET);
  await rejects(body.bytes(50_000), { phase: "body", kind: "too_large" });
});

Deno.test("HttpClient shows an early answer while a 100 MB body is being sent, and then stops sending it", async () => {
  const answered = Promise.withResolvers<void>();
  const received = Promise.withResolvers<number>();
  await using server = ScriptedServer.start(async (peer) => {
    await peer.receiveHead();
    await peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    await answered.promise;
    received.resolve(await peer.untilGone());
  });
  using client = new HttpClient();
  const { status, body } = await client.send(server.address, { ...POST, body: new Uint8Array(100e6) });
  deepEqual([status, await body.text(10), body.ended], [413, "big", "complete"]);
  answered.resolve();
  truthy(await received.promise < 50e6);
});

Deno.test("HttpClient delivers a 5 MB body whole, both ways", async () => {
  const payload = new Uint8Array(5e6).map((_, at) => at * 7);
  await using server = ScriptedServer.start(async (peer) => {
    const { body } = await peer.receive();
    await peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.byteLength}\r\n\r\n`, body);
    await peer.receive();
  });
  using client = new HttpClient();
  const { body } = await client.send(server.address, { ...POST, body: payload });
  truthy(indexOfDifference(await body.bytes(5e6), payload) === -1);
});

function indexOfDifference(got: Uint8Array, want: Uint8Array): number {
  return got.byteLength === want.byteLength ? got.findIndex((octet, at) => octet !== want[at]) : 0;
}

Deno.test("HttpClient lets the upstream wait when the body is not read", async () => {
  let sentBytes = 0;
  await using server = ScriptedServer.start(async (peer) => {
    await peer.receive();
    await peer.send("HTTP/1.1 200 OK\r\n\r\n");
    for (const piece = new Uint8Array(64 * 1024);; sentBytes += piece.byteLength) await peer.send(piece);
  });
  using client = new HttpClient();
  const { body } = await client.send(server.address, GET);
  await body.read();
  let before = -1;
  while (before !== sentBytes) {
    before = sentBytes;
    await settle();
  }
  truthy(sentBytes < 32e6, `${sentBytes} bytes were taken`); // what the kernel's buffers hold
  await body.read();
  body.cancel();
});

Deno.test("HttpClient says how a body ended: cut, reset, complete by its last chunk, complete by close", async () => {
  const ends: [HttpBody["ended"], string][] = [];
  for (
    const answer of [
      "Content-Length: 5\r\n\r\nhi",
      "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
      "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
      "\r\nhi",
    ]
  ) {
    await using server = ScriptedServer.start(async (peer) => {
      await peer.receive();
      await peer.send(`HTTP/1.1 200 OK\r\n${answer}`);
    });
    using client = new HttpClient();
    const { body } = await client.send(server.address, GET);
    await body.text(10).catch((error) =>
      deepEqual([error.phase, error.kind, error.answered], ["body", "closed", true])
    );
    ends.push([body.ended, body.framing]);
  }
  deepEqual(ends, [["failed", "length"], ["failed", "chunked"], ["complete", "chunked"], [
    "complete",
    "close",
  ]]);
});

Deno.test("HttpClient ends what is under way when it is disposed, and refuses more", async () => {
  await using server = ScriptedServer.start(thenSilence());
  const client = new HttpClient();
  const pending = rejects(ask(client, server), {
    name: "HttpError",
    kind: "closed",
    sent: true,
    message: /disposed/,
  });
  await settle();
  client[Symbol.dispose]();
  await pending;
  await rejects(ask(client, server), { kind: "closed", sent: false, phase: "connect" });
});

Deno.test("HttpClient leaves no descriptor open after 1,000 requests of all kinds", async () => {
  await using server = ScriptedServer.start(async (peer) => {
    for (let count = 0;; count++) {
      const { head } = await peer.receive();
      if (head.startsWith("GET /cut")) {
        return await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
      }
      await peer.send(ok("hi"));
    }
  });
  await ask(new HttpClient({ maxIdlePerAddress: 0 }), server); // warms up what the runtime keeps open
  await settle();
  const before = descriptorCount();
  {
    using client = new HttpClient();
    for (let count = 0; count < 1_000; count++) {
      const signal = new AbortController().signal;
      if (count % 10 === 0) {
        await rejects(ask(client, server, { ...GET, target: "/cut", signal }), { kind: "closed" });
      } else if (count % 10 === 1) (await client.send(server.address, { ...GET, signal })).body.cancel();
      else await ask(client, server, { ...POST, fresh: count % 10 === 2 });
    }
  }
  await settle();
  truthy(descriptorCount() <= before, `${before} descriptors became ${descriptorCount()}`);
});

function descriptorCount(): number {
  return Deno.readDirSync("/proc/self/fd").toArray().length;
}
