import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Connection } from "../../../lib/http/connection.ts";
import { Deadlines } from "../../../lib/http/deadlines.ts";
import { Exchange } from "../../../lib/http/exchange.ts";
import { DEFAULT_HTTP_LIMITS } from "../../../lib/http/limits.ts";
import { ANSWERS, octets, play } from "./outcome.ts";
import { ScriptedStream } from "./scripted_stream.ts";

for (const { name, text, method = "GET", body } of ANSWERS) {
  const bytes = octets(text);

  Deno.test(`Exchange reads an answer with ${name} the same however it is split`, async () => {
    const { outcome } = await play([bytes], { method });
    deepEqual([outcome.body, outcome.ended, outcome.error], [body, "complete", undefined]);
    for (let at = 1; at < bytes.length; at++) {
      const split = await play([bytes.subarray(0, at), bytes.subarray(at)], { method });
      deepEqual(split.outcome, outcome, `split at ${at}`);
    }
    const single = [...bytes].map((octet) => Uint8Array.of(octet));
    deepEqual((await play(single, { method })).outcome, outcome, "byte by byte");
  });

  Deno.test(`Exchange fails as closed where an answer with ${name} is cut, however it is split`, async () => {
    for (let at = 0; at < bytes.length; at++) {
      const { outcome } = await play([bytes.subarray(0, at)], { method });
      const single = [...bytes.subarray(0, at)].map((octet) => Uint8Array.of(octet));
      deepEqual((await play(single, { method })).outcome, outcome, `cut at ${at}, byte by byte`);
      ok(body.startsWith(outcome.body), `cut at ${at}: ${outcome.body}`);
      if (outcome.framing === "close") {
        deepEqual([outcome.ended, outcome.error], ["complete", undefined], `cut at ${at}`);
        continue;
      }
      const phase = outcome.status === undefined ? "head" : "body";
      deepEqual(outcome.error, { phase, kind: "closed", sent: true, answered: at > 0 }, `cut at ${at}`);
      equal(outcome.ended, phase === "body" ? "failed" : undefined, `cut at ${at}`);
    }
  });
}

for (
  const { name, text, kind } of [
    {
      name: "both length and chunks",
      text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      kind: "malformed",
    },
    {
      name: "two lengths",
      text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      kind: "malformed",
    },
    {
      name: "a coding that hides behind a blank",
      text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\nhello",
      kind: "malformed",
    },
    {
      name: "a coding that hides in a fold",
      text: "HTTP/1.1 200 OK\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\nhello",
      kind: "malformed",
    },
    {
      name: "a coding that hides behind a bare CR",
      text: "HTTP/1.1 200 OK\r\nX: y\rTransfer-Encoding: chunked\r\n\r\nhello",
      kind: "malformed",
    },
    {
      name: "a head that ends in bare line feeds",
      text: "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
      kind: "malformed",
    },
    {
      name: "a switch of protocols",
      text: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
      kind: "malformed",
    },
    {
      name: "a body in an interim answer",
      text: "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\n",
      kind: "malformed",
    },
    {
      name: "more interim answers than it waits through",
      text: "HTTP/1.1 102 Processing\r\n\r\n".repeat(17),
      kind: "too_large",
    },
    { name: "a head without an end", text: `HTTP/1.1 200 OK\r\nX: ${"y".repeat(70_000)}`, kind: "too_large" },
    {
      name: "a head beyond the limit",
      text: `HTTP/1.1 200 OK\r\nX: ${"y".repeat(65_520)}\r\n\r\n`,
      kind: "too_large",
    },
    { name: "too many headers", text: `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(201)}\r\n`, kind: "too_large" },
    { name: "another protocol", text: "-ERR unknown command 'POST'\r\n", kind: "malformed" },
  ]
) {
  Deno.test(`Exchange refuses an answer with ${name}, and closes the connection`, async () => {
    const { outcome, reusableMs, stream } = await play([octets(text)]);
    deepEqual(outcome, { body: "", error: { phase: "head", kind, sent: true, answered: true } });
    deepEqual([reusableMs, stream.isClosed], [0, true]);
  });
}

Deno.test("Exchange takes a head of exactly the limit, larger than a connection's buffer", async () => {
  const [before, after] = ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: ", "\r\n\r\n"];
  const head = `${before}${"y".repeat(64 * 1024 - before.length - after.length)}${after}`;
  const { outcome } = await play([octets(`${head}hi`)]);
  deepEqual([outcome.error, outcome.body], [undefined, "hi"]);
});

Deno.test("Exchange keeps its place when interim answers push the head over the buffer's edge", async () => {
  const hint = `HTTP/1.1 103 Early Hints\r\nLink: ${"l".repeat(20_000)}\r\n\r\n`;
  const { outcome } = await play([octets(`${hint.repeat(3)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi`)]);
  deepEqual([outcome.error, outcome.body], [undefined, "hi"]);
});

for (
  const { name, text, method = "GET", want } of [
    { name: "a length", text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", want: Infinity },
    {
      name: "chunks",
      text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      want: Infinity,
    },
    { name: "no body", text: "HTTP/1.1 204 No Content\r\n\r\n", want: Infinity },
    {
      name: "an announced time",
      text: "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n",
      want: 4_000,
    },
    {
      name: "Connection: close",
      text: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
      want: 0,
    },
    { name: "HTTP/1.0", text: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", want: 0 },
    { name: "an end by close", text: "HTTP/1.1 200 OK\r\n\r\nhi", want: 0 },
    {
      name: "bytes behind a length",
      text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n",
      want: 0,
    },
    {
      name: "bytes behind chunks",
      text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\r\n",
      want: 0,
    },
    {
      name: "a body where HEAD has none",
      text: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
      method: "HEAD",
      want: 0,
    },
  ]
) {
  Deno.test(`Exchange lets a connection rest for ${want} ms after an answer with ${name}`, async () => {
    const { outcome, reusableMs, stream } = await play([octets(text)], { method });
    deepEqual([outcome.ended, reusableMs, stream.isClosed], ["complete", want, false]); // its owner closes it
  });
}

for (
  const { name, isReused = true, isEncrypted = false, sent } of [
    { name: "a reused connection: another may be tried", sent: "another" },
    { name: "a new connection: nothing was sent", isReused: false, sent: false },
    { name: "a reused TLS connection: part may be sent", isEncrypted: true, sent: true },
  ]
) {
  Deno.test(`Exchange.send() judges a first write that fails on ${name}`, async () => {
    const stream = new ScriptedStream([]);
    stream.write = () => Promise.reject(new Deno.errors.BrokenPipe("Broken pipe"));
    const connection = new Connection(stream, "http://fake:1", isEncrypted);
    connection.isReused = isReused;
    const sending = createExchange(connection).send("GET / HTTP/1.1\r\n\r\n", undefined);
    if (sent === "another") equal(await sending, false);
    else await rejects(sending, { name: "HttpError", phase: "send", answered: false, sent });
    equal(stream.isClosed, true);
  });
}

Deno.test("Exchange writes on where the socket took only part, and reports what was not taken as not sent whole", async () => {
  const stream = new ScriptedStream([]);
  let count = 0;
  stream.write = (bytes) => {
    if (++count === 3) return Promise.reject(new Deno.errors.BrokenPipe("Broken pipe"));
    stream.written.push(bytes.slice(0, 5));
    return Promise.resolve(5);
  };
  const exchange = createExchange(new Connection(stream, "http://fake:1"));
  equal(await exchange.send("GET / HTTP/1.1\r\n\r\n", undefined), true);
  await rejects(exchange.receive(), { phase: "send", kind: "closed", sent: true, answered: false });
  equal(stream.written.map((bytes) => String.fromCharCode(...bytes)).join(""), "GET / HTTP");
});

Deno.test("Exchange sends nothing if its signal aborted while the connection was being opened", async () => {
  const stream = new ScriptedStream([]);
  const reason = new Error("the user left");
  const exchange = createExchange(new Connection(stream, "http://fake:1"), AbortSignal.abort(reason));
  await rejects(exchange.send("GET / HTTP/1.1\r\n\r\n", undefined), (error) => error === reason);
  deepEqual([stream.written, stream.isClosed], [[], true]);
});

function createExchange(connection: Connection, signal?: AbortSignal): Exchange {
  return new Exchange(connection, {
    method: "GET",
    signal,
    headTimeoutMs: undefined,
    limits: DEFAULT_HTTP_LIMITS,
    deadlines: new Deadlines(),
    onEnd: () => {},
  });
}

/** An exchange that has an answer's head, on a stream that it can be watched by. */
async function begin(pieces: string[]) {
  const stream = new ScriptedStream(pieces.map(octets));
  const exchange = createExchange(new Connection(stream, "http://fake:1"));
  await exchange.send("GET / HTTP/1.1\r\n\r\n", undefined);
  return { stream, exchange, ...await exchange.receive() };
}

Deno.test("HttpBody reads only when it is asked to, and hands out what came at once", async () => {
  const { body } = await begin([
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n",
    "1\r\nd\r\n",
    "0\r\n\r\n",
  ]);
  const read = async () => new TextDecoder().decode(await body.read() ?? undefined);
  deepEqual([await read(), await read(), body.ended, await body.read(), body.ended], [
    "abc",
    "d",
    "open",
    null,
    "complete",
  ]);
  equal(await body.read(), null, "and stays at its end");
});

Deno.test("HttpBody.bytes() gives a copy of what is left, text() decodes UTF-8 across pieces", async () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
  const bytes = await (await begin([`${head}ab`, "cd", "ef"])).body.bytes(6);
  deepEqual(new TextDecoder().decode(bytes), "abcdef");
  equal(await (await begin([`${head}a\xe2`, "\x82\xac", "\xffb"])).body.text(6), "a€\ufffdb");
  deepEqual(await (await begin(["HTTP/1.1 204 No\r\n\r\n"])).body.bytes(0), new Uint8Array());
});

Deno.test("HttpBody.bytes() refuses a body that is too large and closes the connection", async () => {
  const { body, stream } = await begin(["HTTP/1.1 200 OK\r\n\r\nabc", "def"]);
  await rejects(body.bytes(5), {
    name: "HttpError",
    kind: "too_large",
    phase: "body",
    message: /more than 5 bytes/,
  });
  deepEqual([body.ended, stream.isClosed], ["failed", true]);
  await rejects(body.read(), { kind: "too_large" }, "and keeps saying so");
});

Deno.test("HttpBody.cancel() closes the connection; a read that is pending, or comes later, rejects", async () => {
  const { body, stream } = await begin(["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"]);
  equal((await body.read())?.byteLength, 2);
  body.cancel();
  body.cancel();
  deepEqual([body.ended, stream.isClosed], ["cancelled", true]);
  await rejects(body.read(), { name: "HttpError", kind: "closed", message: /cancelled/ });
});

Deno.test("HttpBody.cancel() does nothing to a body that is complete", async () => {
  const { body, stream } = await begin(["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]);
  body.cancel();
  deepEqual([body.ended, stream.isClosed], ["complete", false]);
});

Deno.test("HttpBody.read() refuses to be called twice at once, without harm to the first", async () => {
  const { body } = await begin(["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "hi"]);
  const first = body.read();
  await rejects(body.read(), TypeError);
  equal((await first)?.byteLength, 2);
  equal(await body.read(), null);
});

Deno.test("HttpBody hands out no buffered byte once the exchange was abandoned", async () => {
  const { body, exchange } = await begin(["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]);
  exchange.abandon("closed", "for a test");
  equal(body.ended, "failed");
  await rejects(body.read(), { kind: "closed", phase: "body", message: /for a test/ });
});
