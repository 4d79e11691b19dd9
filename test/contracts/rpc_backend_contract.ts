import { deepEqual, equal, ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { AnswerDecoder } from "../../lib/rpc/answer_decoder.ts";
import type { Endpoint } from "../../lib/rpc/endpoint.ts";
import { ParkedProbes } from "../../lib/rpc/parked_probes.ts";
import { probe } from "../../lib/rpc/probe.ts";
import { ProbeSocket } from "../../lib/rpc/probe_socket.ts";
import {
  encodeDeviceMemoryRequest,
  encodeHello,
  encodeLegacyHello,
  encodeProbe,
} from "../../lib/rpc/protocol.ts";
import { until } from "../fixtures/until.ts";

/** An rpc backend that a test has for itself. */
export interface BackendUnderTest extends AsyncDisposable {
  /** Where it listens. */
  readonly endpoint: Endpoint;
  /** Whether the process is gone. */
  hasDied(): boolean;
}

/** What a contract is run against. */
export interface Subject {
  /** Told in the name of each test. */
  readonly name: string;
  /** Starts one that answers, and that dies of SIGPIPE as a process does unless told otherwise. */
  readonly start: () => Promise<BackendUnderTest>;
  /** Skips the tests; `name` then says why. */
  readonly ignore?: boolean;
}

/**
 * What we rely on in a `ggml-rpc-server` since protocol 4.0: how it answers, what it refuses, how it queues, and
 * which clients kill it.
 */
export function rpcBackendContract({ name, start, ignore = false }: Subject): void {
  const test = (sentence: string, body: (backend: BackendUnderTest) => Promise<void>) =>
    Deno.test({
      name: `${name} ${sentence}`,
      ignore,
      async fn() {
        await using backend = await start();
        await body(backend);
      },
    });

  test("answers the pipelined probe with 72 bytes for its one device", async ({ endpoint }) => {
    const answer = await exchange(endpoint, encodeProbe());
    const decoder = new AnswerDecoder();
    decoder.push(answer);
    deepEqual([answer.byteLength, decoder.deviceCount, decoder.isComplete], [72, 1, true]);
    ok(decoder.version!.major >= 4);
    ok(decoder.devices[0]!.totalBytes > 0);
  });

  for (
    const { sentence, requests, wantBytes } of [
      { sentence: "a HELLO of another size", requests: [encodeLegacyHello()], wantBytes: 0 },
      { sentence: "any other first request", requests: [encodeDeviceMemoryRequest(0)], wantBytes: 0 },
      { sentence: "a second HELLO", requests: [encodeHello(), encodeHello()], wantBytes: 36 },
      {
        sentence: "an unknown device",
        requests: [encodeHello(), encodeDeviceMemoryRequest(9)],
        wantBytes: 36,
      },
      { sentence: "HTTP", requests: [new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")], wantBytes: 0 },
    ]
  ) {
    test(`closes on ${sentence}, and serves the next client`, async ({ endpoint }) => {
      equal((await exchange(endpoint, ...requests)).byteLength, wantBytes);
      equal((await probe(endpoint)).verdict, "up");
    });
  }

  test("closes an empty connection at once when it is free", async ({ endpoint }) => {
    equal((await exchange(endpoint)).byteLength, 0);
  });

  test("is up again as soon as the client that holds it leaves", async ({ endpoint }) => {
    using parked = new ParkedProbes();
    using holder = await hold(endpoint);
    equal((await probe(endpoint, { parked, timeoutMs: 100 })).verdict, "held");
    holder.close();
    await until(() => parked.size === 0, "the parked probes to leave");
    equal((await probe(endpoint, { parked })).verdict, "up");
  });

  test("leaves a third waiting client without an answer to its connection", async ({ endpoint }) => {
    using _holder = await hold(endpoint);
    using _second = await connect(endpoint);
    using _third = await connect(endpoint);
    const { verdict, reason } = await probe(endpoint, { timeoutMs: 100 });
    equal(verdict, "down", reason);
    ok(reason.includes("did not take a connection"), reason);
  });

  test("dies when a client gave up its HELLO in the queue, and another leaves", async (backend) => {
    using holder = await hold(backend.endpoint);
    const careless = await connect(backend.endpoint);
    await careless.write(encodeHello());
    careless.close();
    await settle();
    holder.close();
    await until(() => backend.hasDied(), "the death of the backend");
  });

  test("survives when a HELLO in its queue was reset", async (backend) => {
    using holder = await hold(backend.endpoint);
    const careful = await ProbeSocket.open(backend.endpoint, new AbortController().signal);
    careful.write(encodeProbe());
    await settle();
    careful.reset();
    await settle();
    holder.close();
    await answersAgain(backend);
  });

  test("survives fifty probes while it is held, with and without a place to park them", async (backend) => {
    using holder = await hold(backend.endpoint);
    {
      using parked = new ParkedProbes();
      for (let count = 0; count < 40; count++) await probe(backend.endpoint, { timeoutMs: 20, parked });
      equal(parked.size, 1);
    }
    for (let count = 0; count < 10; count++) await probe(backend.endpoint, { timeoutMs: 20 });
    holder.close();
    await answersAgain(backend);
  });
}

/** Becomes the client that the backend serves; all others wait until it is closed. */
export async function hold(endpoint: Endpoint): Promise<Disposable & { close(): void }> {
  const connection = await connect(endpoint);
  await connection.write(encodeHello());
  await connection.read(new Uint8Array(64));
  let isOpen = true;
  const close = () => {
    if (isOpen) connection.close();
    isOpen = false;
  };
  return { close, [Symbol.dispose]: close };
}

/** All that comes back until the backend closes. */
async function exchange(endpoint: Endpoint, ...requests: Uint8Array[]): Promise<Uint8Array> {
  using connection = await connect(endpoint);
  for (const request of requests) await connection.write(request);
  await connection.closeWrite();
  const received: number[] = [];
  const chunk = new Uint8Array(1024);
  try {
    for (let count = await connection.read(chunk); count !== null; count = await connection.read(chunk)) {
      received.push(...chunk.subarray(0, count));
    }
  } catch (error) {
    // A server that closes with bytes unread resets.
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  return Uint8Array.from(received);
}

function connect({ host, port }: Endpoint): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: host, port });
}

async function answersAgain(backend: BackendUnderTest): Promise<void> {
  await settle();
  const { verdict, reason } = await probe(backend.endpoint);
  equal(verdict, "up", reason);
  await settle();
  equal(backend.hasDied(), false);
}

/** Lets the kernel deliver on loopback what was just sent. */
function settle(): Promise<void> {
  return delay(30);
}
