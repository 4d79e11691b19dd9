import { equal, ok as truthy, rejects } from "node:assert/strict";
import { HttpClient, type HttpRequest } from "../../../lib/http/client.ts";
import { answering, ok, type Script, ScriptedServer } from "../../fakes/scripted_server.ts";

const REASON = new Error("the user left");
const GET: HttpRequest = { method: "GET", target: "/" };

/** A script, a promise of the moment at which it is stuck, and one of the client's disappearance. */
function stuck(play: Script): { script: Script; isStuck: Promise<void>; gone: Promise<void> } {
  const [reached, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const script: Script = async (peer) => {
    await play(peer);
    reached.resolve();
    await peer.untilGone();
    left.resolve();
  };
  return { script, isStuck: reached.promise, gone: left.promise };
}

for (
  const { phase, play, request = GET } of [
    { phase: "waits for the head", play: async (peer) => void await peer.receive() },
    {
      phase: "is within the head",
      play: async (peer) => {
        await peer.receive();
        await peer.send("HTTP/1.1 200 OK\r\nX");
      },
    },
    {
      phase: "waits behind an interim answer",
      play: async (peer) => {
        await peer.receive();
        await peer.send("HTTP/1.1 100 Continue\r\n\r\n");
      },
    },
    {
      phase: "sends a body that is not taken",
      play: async (peer) => void await peer.receiveHead(),
      request: { method: "POST", target: "/", body: new Uint8Array(50e6) },
    },
  ] as { phase: string; play: Script; request?: HttpRequest }[]
) {
  Deno.test(`an abort while a request ${phase} rejects with its reason, and the upstream sees the close`, async () => {
    const { script, isStuck, gone } = stuck(play);
    await using server = ScriptedServer.start(script);
    using client = new HttpClient();
    const abort = new AbortController();
    const pending = rejects(
      client.send(server.address, { ...request, signal: abort.signal }),
      (e) => e === REASON,
    );
    await isStuck;
    abort.abort(REASON);
    await pending;
    await gone;
  });
}

for (const isReading of [true, false]) {
  Deno.test(`an abort while a body is ${isReading ? "read" : "left alone"} closes at once and rejects each read`, async () => {
    const { script, isStuck, gone } = stuck(async (peer) => {
      await peer.receive();
      await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
    });
    await using server = ScriptedServer.start(script);
    using client = new HttpClient();
    const abort = new AbortController();
    const { body } = await client.send(server.address, { ...GET, signal: abort.signal });
    await isStuck;
    await body.read();
    const pending = isReading ? rejects(body.read(), (error) => error === REASON) : undefined;
    abort.abort(REASON);
    await gone;
    await pending;
    equal(body.ended, "failed");
    await rejects(body.read(), (error) => error === REASON);
  });
}

Deno.test("an abort before a request rejects with its reason and connects nowhere", async () => {
  await using server = ScriptedServer.start(answering(ok("hi")));
  using client = new HttpClient();
  await rejects(
    client.send(server.address, { ...GET, signal: AbortSignal.abort(REASON) }),
    (e) => e === REASON,
  );
  equal(server.peers.length, 0);
});

for (const transport of ["tcp", "unix"]) {
  Deno.test(`an abort while a ${transport} connection opens is not lost, and leaves no socket behind`, async () => {
    const folder = await Deno.makeTempDir();
    const options = transport === "unix" ? { unixPath: `${folder}/upstream.sock` } : {};
    await using server = ScriptedServer.start(async (peer) => void await peer.untilGone(), options);
    using client = new HttpClient();
    const abort = new AbortController();
    const pending = rejects(
      client.send(server.address, { ...GET, signal: abort.signal }),
      (e) => e === REASON,
    );
    abort.abort(REASON);
    await pending;
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("cancelling a body lets the upstream see the close", async () => {
  const { script, gone } = stuck(async (peer) => {
    await peer.receive();
    await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  });
  await using server = ScriptedServer.start(script);
  using client = new HttpClient();
  const { body } = await client.send(server.address, GET);
  const pending = rejects(body.read(), { name: "HttpError", kind: "closed", message: /cancelled/ });
  body.cancel();
  await Promise.all([pending, gone]);
  equal(body.ended, "cancelled");
});

Deno.test("an abort after the answer's end does nothing, and the connection is used again", async () => {
  await using server = ScriptedServer.start(answering(ok("hi")));
  using client = new HttpClient();
  for (let count = 0; count < 2; count++) {
    const abort = new AbortController();
    const { body } = await client.send(server.address, { ...GET, signal: abort.signal });
    equal(await body.text(10), "hi");
    abort.abort(REASON);
    equal(body.ended, "complete");
  }
  equal(server.peers.length, 1);
});

/** Counts the listeners that are on it. */
class CountingSignal extends EventTarget {
  listenerCount = 0;
  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void {
    this.listenerCount++;
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>): void {
    this.listenerCount--;
    super.removeEventListener(...args);
  }
}

Deno.test("no listener stays on a long-lived signal, however a request ends", async () => {
  await using server = ScriptedServer.start(async (peer) => {
    for (;;) {
      const { head } = await peer.receive();
      if (head.includes("/cut")) return;
      await peer.send(ok("hi"));
    }
  });
  const counting = Object.assign(new CountingSignal(), {
    aborted: false,
    throwIfAborted: () => {},
    reason: undefined,
  });
  const signal = counting as unknown as AbortSignal;
  const client = new HttpClient();
  const send = (target: string) => client.send(server.address, { method: "GET", target, signal });
  await (await send("/read")).body.text(10);
  (await send("/cancel")).body.cancel();
  await rejects((await send("/too-large")).body.text(1), { kind: "too_large" });
  await rejects(send("/cut"), { kind: "closed" });
  await rejects(client.send({ transport: "tcp", hostname: "127.0.0.1", port: 1 }, { ...GET, signal }), {
    kind: "refused",
  });
  equal(counting.listenerCount, 0);
  await send("/left-open");
  truthy(counting.listenerCount > 0);
  client[Symbol.dispose]();
  equal(counting.listenerCount, 0);
});

Deno.test("connecting is given up at its deadline, on an abort, and when the client is disposed", async () => {
  // A listener whose queue is full answers no more connection attempts.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { hostname, port } = listener.addr;
  const filling = await Promise.all(Array.from({ length: 8 }, () => occupy(hostname, port)));
  const address = { transport: "tcp", hostname, port } as const;
  const abort = new AbortController();
  const client = new HttpClient();
  const aborted = rejects(
    client.send(address, { ...GET, signal: abort.signal }),
    (error) => error === REASON,
  );
  const disposed = rejects(client.send(address, GET), { phase: "connect", kind: "closed", sent: false });
  await rejects(client.send(address, { ...GET, connectTimeoutMs: 30 }), {
    name: "HttpError",
    phase: "connect",
    kind: "timeout",
    sent: false,
    message: /no connection within 30 ms/,
  });
  abort.abort(REASON);
  client[Symbol.dispose]();
  await Promise.all([aborted, disposed]);
  for (const connection of filling) connection?.close();
});

async function occupy(hostname: string, port: number): Promise<Deno.Conn | undefined> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), 50);
  try {
    return await Deno.connect({ hostname, port, signal: abort.signal });
  } catch {
    return undefined; // the queue is full
  } finally {
    clearTimeout(timer);
  }
}
