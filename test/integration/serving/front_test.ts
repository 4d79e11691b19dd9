import { deepEqual, equal, match, ok } from "node:assert/strict";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../../../lib/clock.ts";
import { createLogger } from "../../../lib/log.ts";
import { ConnectionMetrics } from "../../../lib/serving/connection_metrics.ts";
import { openFront } from "../../../lib/serving/open_front.ts";
import { setPatience } from "../../../routes/body_chunks.ts";
import { readBody } from "../../../routes/read_body.ts";
import { FrontBed, FRONTS } from "./front_bed.ts";
import { get, until, Wire } from "./wire.ts";

const CLOSE = "Connection: close";

for (const kind of FRONTS) {
  Deno.test(`${kind}: an answer goes out piece by piece`, async () => {
    const next = Promise.withResolvers<void>();
    await using bed = await FrontBed.open(kind, () => streamOf(["one ", next.promise, "two"]));
    using wire = await Wire.connect(bed.port, get("/", CLOSE));
    await wire.until(/one /);
    ok(!wire.text.includes("two"));
    next.resolve();
    await wire.ended;
    match(wire.text, /two/);
  });

  Deno.test(`${kind}: a client that leaves ends the answer that it was given`, async () => {
    const cancelled = Promise.withResolvers<void>();
    const completed = Promise.withResolvers<string>();
    await using bed = await FrontBed.open(kind, (_request, info) => {
      info.completed.then(() => completed.resolve("whole"), () => completed.resolve("cut"));
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await delay(1);
            controller.enqueue(new TextEncoder().encode("x"));
          },
          cancel: () => cancelled.resolve(),
        }),
      );
    });
    const wire = await Wire.connect(bed.port, get("/"));
    await wire.until(/x/);
    wire[Symbol.dispose]();
    await Promise.all([cancelled.promise, completed.promise]);
    await until(() => bed.openCount === 0, () => "its end");
  });

  Deno.test(`${kind}: a client that leaves before the answer aborts its request's signal`, async () => {
    const asked = Promise.withResolvers<AbortSignal>();
    const answer = Promise.withResolvers<Response>();
    await using bed = await FrontBed.open(kind, ({ signal }) => {
      asked.resolve(signal);
      return answer.promise;
    });
    const wire = await Wire.connect(bed.port, get("/"));
    const signal = await asked.promise;
    equal(signal.aborted, false);
    wire[Symbol.dispose]();
    await until(() => signal.aborted, () => "the signal");
    answer.resolve(new Response("too late"));
    await until(() => bed.openCount === 0, () => "its end");
  });

  Deno.test(`${kind}: the signal of a request that was answered does not abort`, async () => {
    let signal: AbortSignal | undefined;
    await using bed = await FrontBed.open(kind, (request) => {
      signal = request.signal;
      return new Response("whole");
    });
    equal(await (await fetch(bed.url)).text(), "whole");
    await bed.front.shutdown();
    equal(signal?.aborted, false);
  });

  Deno.test(`${kind}: at the end, who has asked gets an answer, who has not is closed at once`, async () => {
    const answer = Promise.withResolvers<Response>();
    const bed = await FrontBed.open(
      kind,
      ({ url }) => url.endsWith("/slow") ? answer.promise : new Response("quick"),
    );
    using asking = await Wire.connect(bed.port, get("/slow"));
    using kept = await Wire.connect(bed.port, get("/"));
    using silent = await Wire.connect(bed.port);
    using slow = await Wire.connect(bed.port, "GET / HT");
    await kept.until(/quick/);
    await until(() => bed.openCount === 4, () => "four connections");
    let isOver = false;
    const over = bed.front.shutdown().then(() => isOver = true);
    await Promise.all([kept.ended, silent.ended, slow.ended]);
    equal(await Wire.connect(bed.port).then(() => "accepted", () => "refused"), "refused");
    deepEqual([isOver, asking.isEnded], [false, false]);
    answer.resolve(new Response("at last"));
    await asking.ended;
    match(asking.text, /at last/);
    await over;
    deepEqual([bed.openCount, bed.closedCount("shutdown")], [0, 4]);
  });

  Deno.test(`${kind}: who does not send a head in time is closed, however the bytes trickle`, async () => {
    await using bed = await FrontBed.open(kind, () => new Response("heard"), { clientHeaderMs: 150 });
    using silent = await Wire.connect(bed.port);
    using slow = await Wire.connect(bed.port);
    const trickle = (async () => {
      for (const byte of get("/", `X-Long: ${"x".repeat(10_000)}`)) {
        if (slow.isEnded) return;
        await slow.write(byte).catch(() => {});
        await delay(5);
      }
    })();
    using quick = await Wire.connect(bed.port, get("/"));
    await Promise.all([silent.ended, slow.ended, trickle]);
    await quick.until(/heard/);
    deepEqual([bed.closedCount("header_timeout"), quick.isEnded, slow.text], [2, false, ""]);
  });

  Deno.test(`${kind}: a kept connection is closed when nothing is asked; one with a request is not`, async () => {
    const answer = Promise.withResolvers<Response>();
    const handler = ({ url }: Request) => url.endsWith("/slow") ? answer.promise : new Response("quick");
    await using bed = await FrontBed.open(kind, handler, { clientIdleMs: 100 });
    using asking = await Wire.connect(bed.port, get("/slow"));
    using streaming = await Wire.connect(bed.port, get("/"));
    await streaming.ended;
    match(streaming.text, /quick/);
    equal(bed.closedCount("idle"), 1);
    equal(asking.isEnded, false);
    answer.resolve(new Response("at last"));
    await asking.ended; // now it is idle
    match(asking.text, /at last/);
    equal(bed.closedCount("idle"), 2);
  });

  Deno.test(`${kind}: a client that reads a long answer slowly is not idle`, async () => {
    const long = "x".repeat(16_000_000);
    const answered = Promise.withResolvers<void>();
    await using bed = await FrontBed.open(kind, (_request, { completed }) => {
      completed.then(answered.resolve, answered.resolve);
      return new Response(long);
    }, { clientIdleMs: 300 });
    using wire = await Wire.connect(bed.port);
    wire.pause();
    await wire.write(get("/"));
    for (let round = 0; round < 6; round++) {
      await delay(100); // far below the patience, and all of it far above
      wire.resume();
      await delay(1);
      wire.pause();
    }
    wire.resume();
    await wire.ended;
    equal(wire.text.match(/x{100}/g)?.length, long.length / 100);
    await answered.promise;
  });

  Deno.test(`${kind}: whoever has too many connections loses the one that waited longest`, async () => {
    const answer = Promise.withResolvers<string>();
    const handler = async ({ url }: Request) =>
      new Response(url.endsWith("/slow") ? await answer.promise : "quick");
    await using bed = await FrontBed.open(kind, handler, { connectionsPerClient: 2 });
    using asking = await Wire.connect(bed.port, get("/slow"));
    using kept = await Wire.connect(bed.port, get("/"));
    await kept.until(/quick/);
    using newer = await Wire.connect(bed.port, get("/slow"));
    await kept.ended;
    await until(() => bed.openCount === 2, () => "two connections");
    using refused = await Wire.connect(bed.port, get("/"));
    await refused.ended;
    equal(refused.text, "");
    answer.resolve("at last");
    await Promise.all([asking.until(/at last/), newer.until(/at last/)]);
    deepEqual([bed.closedCount("replaced"), bed.closedCount("refused")], [1, 1]);
    const lines = bed.logLines.filter(({ message }) => message === "client connections full");
    equal(lines[0]?.["client"], "127.0.0.1");
  });

  Deno.test(`${kind}: when all is full, whoever has many gives way, and not who has one`, async () => {
    await using bed = await FrontBed.open(kind, () => new Response("quick"), { connectionCount: 3 });
    using modest = await Wire.connect(bed.port, get("/"));
    await modest.until(/quick/);
    const greedy = ["127.0.0.2", "127.0.0.2"].map((localAddress) => {
      const socket = connect({ host: "127.0.0.1", port: bed.port, localAddress });
      const closed = new Promise<void>((resolve) =>
        socket.on("close", () => resolve()).on("error", () => {})
      );
      return { socket, closed };
    });
    await until(() => bed.openCount === 3, () => "three connections");
    using next = await Wire.connect(bed.port, get("/"));
    await next.until(/quick/);
    await Promise.race(greedy.map(({ closed }) => closed));
    deepEqual([modest.isEnded, bed.closedCount("replaced")], [false, 1]);
    for (const { socket } of greedy) socket.destroy();
    await Promise.all(greedy.map(({ closed }) => closed));
  });

  Deno.test(`${kind}: limits may change while it runs`, async () => {
    await using bed = await FrontBed.open(kind, () => new Response("quick"));
    using first = await Wire.connect(bed.port, get("/"));
    await first.until(/quick/);
    bed.limits.connectionCount = 1;
    using second = await Wire.connect(bed.port, get("/"));
    await second.until(/quick/);
    await first.ended;
    bed.limits.clientIdleMs = 10;
    await second.ended;
    equal(bed.closedCount("idle"), 1);
  });

  Deno.test(`${kind}: a large upload comes no faster than it is read`, async () => {
    const go = Promise.withResolvers<void>();
    let bytes = 0;
    await using bed = await FrontBed.open(kind, async ({ body }) => {
      await go.promise;
      for await (const chunk of body!) bytes += chunk.byteLength;
      return new Response(String(bytes));
    });
    const sizeBytes = 48 * 1024 * 1024;
    let sentBytes = 0;
    const upload = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sentBytes === sizeBytes) return controller.close();
        sentBytes += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    }, { highWaterMark: 0 });
    const answer = fetch(bed.url, { method: "POST", body: upload });
    let before = -1;
    await until(async () => {
      const isStuck = before === sentBytes && sentBytes > 0;
      before = sentBytes;
      await delay(50);
      return isStuck;
    }, () => "a client that has to wait");
    ok(sentBytes < sizeBytes, `${sentBytes} bytes were taken before anybody read`);
    go.resolve();
    equal(await (await answer).text(), String(sizeBytes));
  });

  Deno.test(`${kind}: who stops in the middle of a request is closed after the answer`, async () => {
    await using bed = await FrontBed.open(kind, () => new Response("too slow", { status: 408 }));
    using wire = await Wire.connect(bed.port, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab");
    await wire.ended;
    match(wire.text, /^HTTP\/1.1 408 [\s\S]*too slow/);
    await until(() => bed.openCount === 0, () => "its end");
  });

  Deno.test(`${kind}: the same while its body is read`, async () => {
    await using bed = await FrontBed.open(kind, async (request) => {
      setPatience(request, 50);
      await readBody(request, 1_000_000).catch(() => {});
      return new Response("too slow", { status: 408 });
    });
    const lengths = ["Content-Length: 10", "Content-Length: 200000", "Transfer-Encoding: chunked"];
    await Promise.all(lengths.map(async (length) => {
      using wire = await Wire.connect(bed.port, `POST / HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n1\r\na`);
      await wire.ended;
      match(wire.text, /^HTTP\/1.1 408 [\s\S]*too slow/, length);
    }));
    await until(() => bed.openCount === 0, () => "its end");
  });

  Deno.test(`${kind}: requests that are sent at once are answered in their order`, async () => {
    await using bed = await FrontBed.open(kind, async ({ url }) => {
      if (url.endsWith("/1")) await delay(30);
      return new Response(`<${new URL(url).pathname}>`);
    });
    using wire = await Wire.connect(bed.port, get("/1") + get("/2") + get("/3", CLOSE));
    await wire.ended;
    deepEqual(wire.text.match(/<[^>]+>/g), ["</1>", "</2>", "</3>"]);
  });

  Deno.test(`${kind}: the handler knows who asks, with what, and for what`, async () => {
    await using bed = await FrontBed.open(kind, async (request, { remoteAddr }) => {
      const { method, url, headers } = request;
      return Response.json({
        method,
        url,
        twice: headers.get("x-twice"),
        body: await request.text(),
        remoteAddr,
      });
    });
    const body = "5\r\nhello\r\n0\r\n\r\n";
    const head = [
      "PUT /a%20b?c=d HTTP/1.1",
      "Host: gate:1",
      "x-twice: 1",
      "X-Twice: 2",
      "Transfer-Encoding: chunked",
    ];
    using wire = await Wire.connect(bed.port, [...head, CLOSE, "", body].join("\r\n"));
    await wire.ended;
    deepEqual(JSON.parse(/\{.*\}/.exec(wire.text)![0]), {
      method: "PUT",
      url: "http://gate:1/a%20b?c=d",
      twice: "1, 2",
      body: "hello",
      remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: wire.port },
    });
  });

  for (
    const { name, response, want } of [
      { name: "no body", response: () => new Response(null, { status: 204 }), want: /^HTTP\/1.1 204 / },
      { name: "several cookies", response: cookies, want: /set-cookie: a=1\r\n(?:.*\r\n)*?set-cookie: b=2/i },
      {
        name: "a status of its own",
        response: () => new Response("x", { status: 499 }),
        want: /^HTTP\/1.1 499 /,
      },
    ]
  ) {
    Deno.test(`${kind}: an answer with ${name} goes out as it is`, async () => {
      await using bed = await FrontBed.open(kind, response);
      using wire = await Wire.connect(bed.port, get("/", CLOSE));
      await wire.ended;
      match(wire.text, want);
    });
  }

  Deno.test(`${kind}: HEAD gets a head, and the body is given back`, async () => {
    const cancelled = Promise.withResolvers<void>();
    await using bed = await FrontBed.open(kind, () => {
      return new Response(new ReadableStream({ cancel: () => cancelled.resolve() }), {
        headers: { "x-a": "b" },
      });
    });
    const response = await fetch(bed.url, { method: "HEAD" });
    equal(response.headers.get("x-a"), "b");
    await cancelled.promise;
  });

  Deno.test(`${kind}: what a handler throws is a 500 that tells nothing, and a line in the log`, async () => {
    await using bed = await FrontBed.open(kind, () => Promise.reject(new Error("secret")));
    const response = await fetch(bed.url);
    deepEqual([response.status, await response.text()], [500, "Internal Server Error"]);
    match(JSON.stringify(bed.logLines), /unexpected error.*secret/);
    equal(await (await fetch(bed.url)).text(), "Internal Server Error"); // it serves on
  });

  Deno.test(`${kind}: an answer that breaks is seen to be broken`, async () => {
    await using bed = await FrontBed.open(kind, () => {
      return streamOf(["begun", Promise.reject(new Error("upstream died"))]);
    });
    const response = await fetch(bed.url);
    equal(await response.text().catch(() => "broken"), "broken");
  });

  Deno.test(`${kind}: who asks to speak another protocol is answered in this one`, async () => {
    await using bed = await FrontBed.open(kind, () => new Response("plain"));
    using wire = await Wire.connect(bed.port, get("/", "Connection: Upgrade, close", "Upgrade: websocket"));
    await wire.until(/200[\s\S]*plain/);
  });

  Deno.test(`${kind}: who resets the connection before it is accepted keeps nobody waiting`, async () => {
    await using bed = await FrontBed.open(kind, () => new Response("plain"));
    connectAndReset(bed.port, 5);
    equal(await (await fetch(bed.url)).text(), "plain");
    deepEqual(bed.logLines, []);
  });

  Deno.test(`${kind}: a method that no handler can be asked with is no bug of ours`, async () => {
    await using bed = await FrontBed.open(kind, () => new Response("plain"));
    using wire = await Wire.connect(bed.port, `TRACE / HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n\r\n`);
    await wire.ended;
    match(wire.text, /^HTTP\/1.1 [24]00 /);
    deepEqual(bed.logLines, []);
  });

  Deno.test(`${kind}: HEAD is answered though whoever made the body fails to stop`, async () => {
    const cancel = () => Promise.reject(new Error("upstream died"));
    await using bed = await FrontBed.open(kind, () => new Response(new ReadableStream({ cancel })));
    equal((await fetch(bed.url, { method: "HEAD" })).status, 200);
    deepEqual(bed.logLines, []);
  });

  Deno.test(`${kind}: what is no HTTP is refused, and harms nobody`, async () => {
    await using bed = await FrontBed.open(kind, () => new Response("plain"));
    for (
      const text of ["\0\x01\x02\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n"]
    ) {
      using wire = await Wire.connect(bed.port, text);
      await wire.ended;
      ok(!wire.text.includes("plain"));
    }
    equal(await (await fetch(bed.url)).text(), "plain");
  });

  Deno.test(`${kind}: who waits for leave to send a body gets it`, async () => {
    await using bed = await FrontBed.open(kind, async (request) => new Response(await request.text()));
    const head =
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    using wire = await Wire.connect(bed.port, head);
    await wire.until(/^HTTP\/1.1 100 Continue/);
    await wire.write("body");
    await wire.ended;
    match(wire.text, /200 OK[\s\S]*body/);
  });
}

/** Another process does it, for which this one waits without a turn in which it could accept anybody. */
function connectAndReset(port: number, count: number): void {
  const script = `
    import { connect } from "node:net";
    for (let left = ${count}; left > 0; left--) {
      const socket = connect(${port}, "127.0.0.1", () => socket.resetAndDestroy());
    }`;
  equal(new Deno.Command(Deno.execPath(), { args: ["eval", script] }).outputSync().success, true);
}

function cookies(): Response {
  return new Response("x", { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] });
}

/** A body of these pieces; waits for those that are promises. */
function streamOf(pieces: readonly (string | Promise<void>)[]): Response {
  for (const piece of pieces) if (typeof piece !== "string") piece.catch(() => {}); // it is read later
  return new Response(ReadableStream.from(piecesOf(pieces)));
}

async function* piecesOf(pieces: readonly (string | Promise<void>)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (typeof piece === "string") yield new TextEncoder().encode(piece);
    else await piece;
  }
}

Deno.test("runtime: HTTP/2 is spoken with who begins with it, and its connection ends like any other", async () => {
  await using bed = await FrontBed.open("runtime", ({ url }) => new Response(new URL(url).pathname), {
    clientIdleMs: 100,
  });
  using client = Deno.createHttpClient({ http1: false, http2: true });
  const answers = ["/a", "/b", "/c"].map(async (path) =>
    await (await fetch(bed.url + path, { client })).text()
  );
  deepEqual(await Promise.all(answers), ["/a", "/b", "/c"]);
  await until(() => bed.openCount === 0, () => "its end");
  equal(bed.closedCount("idle"), 1);
});

Deno.test("runtime: a client that breaks off leaves nothing behind", async () => {
  await using bed = await FrontBed.open("runtime", () => new Response("quick"));
  for (let count = 0; count < 200; count++) {
    using wire = await Wire.connect(bed.port, get("/") + get("/"));
    if (count % 2 === 0) await wire.until(/quick/);
  }
  await until(() => bed.openCount === 0, () => "their end");
  equal(bed.closedCount("ended"), 200);
});

for (const path of ["/", "/slow"]) {
  Deno.test(`a client that says it sends no more is treated as Deno.serve does: ${path}`, async () => {
    const handler = async ({ url }: Request) => {
      if (url.endsWith("/slow")) await delay(30);
      return new Response("answer");
    };
    await using bed = await FrontBed.open("runtime", handler);
    await using plain = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
    const texts = [];
    for (const port of [bed.port, plain.addr.port]) {
      using wire = await Wire.connect(port, get(path));
      await wire.endSending();
      await wire.ended;
      texts.push(wire.text.replace(/date: .*\r\n/i, ""));
    }
    equal(texts[0], texts[1]);
  });
}

Deno.test("a runtime without connections serves all the same, and says once that limits do not hold", async () => {
  const lines: string[] = [];
  const front = await openFront({
    listen: { hostname: "127.0.0.1", port: 0 },
    handler: () => new Response("plain"),
    config: {
      limits: { connectionCount: 1, connectionsPerClient: 1 },
      timeouts: { clientHeaderMs: 1, clientIdleMs: 1 },
    },
    metrics: new ConnectionMetrics(),
    clock: systemClock,
    logger: createLogger({ sink: (line) => lines.push(line) }),
    serve: undefined,
  });
  equal(await (await fetch(`http://127.0.0.1:${front.addr.port}`)).text(), "plain");
  await front.shutdown();
  deepEqual(lines.map((line) => JSON.parse(line).message), ["client connections not limited"]);
});
