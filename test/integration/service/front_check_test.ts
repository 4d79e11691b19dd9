import { deepEqual, equal, rejects } from "node:assert/strict";
import { checkFront, frontAnswers } from "../../../lib/service/front_check.ts";
import { ownAddress } from "../../../lib/service/own_address.ts";
import { RecordedLog } from "../../fixtures/recorded_log.ts";

const HOSTNAME = "127.0.0.1";

/** A listener that does this with each connection. */
class PlayedFront implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
  readonly #connections: Deno.Conn[] = [];
  readonly #accepting: Promise<void>;

  constructor(private readonly take: (connection: Deno.Conn) => Promise<void> | void) {
    this.#accepting = this.#accept();
  }

  get address() {
    return ownAddress({ hostname: HOSTNAME, port: this.#listener.addr.port });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) {
      try {
        connection.close();
      } catch {
        // it did so itself
      }
    }
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#connections.push(connection);
      await this.take(connection);
    }
  }
}

async function answer(connection: Deno.Conn, text: string): Promise<void> {
  await connection.read(new Uint8Array(1_024));
  await connection.write(new TextEncoder().encode(text));
  connection.close();
}

for (
  const { name, take } of [
    {
      name: "answers",
      take: (connection: Deno.Conn) => answer(connection, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    },
    {
      name: "answers with a refusal",
      take: (connection: Deno.Conn) => answer(connection, "HTTP/1.1 503 Full\r\ncontent-length: 0\r\n\r\n"),
    },
    { name: "closes at once, since it has too many", take: (connection: Deno.Conn) => connection.close() },
  ]
) {
  Deno.test(`a front that ${name} is alive`, async () => {
    await using front = new PlayedFront(take);
    equal(await frontAnswers(front.address, { signal: AbortSignal.timeout(10_000) }), true);
  });
}

Deno.test("a front that listens no more is not alive", async () => {
  const listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
  const address = ownAddress({ hostname: HOSTNAME, port: listener.addr.port });
  listener.close();
  equal(await frontAnswers(address, { signal: AbortSignal.timeout(10_000) }), false);
});

Deno.test("a front that accepts and says nothing is not alive when the time is over", async () => {
  await using front = new PlayedFront(() => {});
  await rejects(frontAnswers(front.address, { signal: AbortSignal.timeout(50) }), { name: "TimeoutError" });
});

Deno.test("a front whose connections nobody accepts is not alive when the time is over", async () => {
  using listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
  const address = ownAddress({ hostname: HOSTNAME, port: listener.addr.port });
  await rejects(frontAnswers(address, { signal: AbortSignal.timeout(50) }), { name: "TimeoutError" });
});

Deno.test("a front that never could be reached is not taken for stuck, and the log says so", async () => {
  const log = new RecordedLog();
  const listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
  const address = ownAddress({ hostname: HOSTNAME, port: listener.addr.port });
  listener.close();
  const { signal } = new AbortController();
  const isAlive = await checkFront(address, { signal, logger: log.logger });
  equal(await isAlive(signal), true);
  deepEqual(log.said, [
    "warn own listener cannot be reached: the watchdog sees only whether the program stands still",
  ]);
});

Deno.test("a front that answered once is taken for stuck when it does not any more", async () => {
  const log = new RecordedLog();
  let isStuck = false;
  await using front = new PlayedFront(async (connection) => {
    if (!isStuck) await answer(connection, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  });
  const isAlive = await checkFront(front.address, {
    signal: AbortSignal.timeout(10_000),
    logger: log.logger,
  });
  equal(await isAlive(AbortSignal.timeout(10_000)), true);
  isStuck = true;
  await rejects(isAlive(AbortSignal.timeout(50)), { name: "TimeoutError" });
  deepEqual(log.said, []);
});

for (
  const [hostname, want] of [["0.0.0.0", "127.0.0.1"], ["::", "::1"], [
    "192.168.1.10",
    "192.168.1.10",
  ]] as const
) {
  Deno.test(`a gateway that listens on ${hostname} reaches itself at ${want}`, () => {
    deepEqual(ownAddress({ hostname, port: 1 }), { transport: "tcp", hostname: want, port: 1 });
  });
}
