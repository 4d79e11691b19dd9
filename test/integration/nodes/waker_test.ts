import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { systemClock } from "../../../lib/clock.ts";
import type { GatewayError } from "../../../lib/errors.ts";
import { silentLogger } from "../../../lib/log.ts";
import { magicPacket } from "../../../lib/nodes/magic_packet.ts";
import { sendDatagrams } from "../../../lib/nodes/udp_broadcast.ts";
import { Waker } from "../../../lib/nodes/waker.ts";

const MAC = "02:00:5e:10:00:7f";

/** What stands for the network card of a sleeping host. */
class Card implements Disposable {
  readonly #socket: Deno.DatagramConn;
  readonly port: number;
  /** What does not come in this time does not come. */
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor() {
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
    this.port = (this.#socket.addr as Deno.NetAddr).port;
    this.#timer = setTimeout(() => this.#socket.close(), 30_000);
  }

  async receive(): Promise<Uint8Array> {
    const [packet] = await this.#socket.receive();
    return packet;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#socket.close();
  }
}

/** How one waits for a node that comes up as soon as `up` is resolved. */
function waitFor(up: Promise<void>) {
  let isUp = false;
  const listeners = new Set<() => void>();
  void up.then(() => {
    isUp = true;
    for (const listener of listeners) listener();
  });
  return {
    isUp: () => isUp,
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    signal: new AbortController().signal,
    timeoutMs: 30_000,
  };
}

for (
  const { name, broadcast, ignore } of [
    { name: "one address", broadcast: "127.0.0.1", ignore: false },
    { name: "a broadcast address", broadcast: "127.255.255.255", ignore: Deno.build.os !== "linux" },
  ]
) {
  const sentence = `a sleeping node's card gets its magic packets at ${name}, and its waking ends the wait`;
  Deno.test(sentence, { ignore }, async () => {
    using card = new Card();
    using waker = new Waker({ clock: systemClock, logger: silentLogger });
    const up = Promise.withResolvers<void>();
    const woken = waker.wake(
      { name: "gpu1", wake: { mac: MAC, broadcast, port: card.port } },
      waitFor(up.promise),
    );
    for (let at = 0; at < 3; at++) deepEqual(new Uint8Array(await card.receive()), magicPacket(MAC));
    up.resolve();
    await woken;
  });
}

Deno.test("packets come again after 3 s if the node does not wake up by the first", async () => {
  using card = new Card();
  using waker = new Waker({ clock: systemClock, logger: silentLogger });
  const up = Promise.withResolvers<void>();
  const startedMs = performance.now();
  const woken = waker.wake(
    { name: "gpu1", wake: { mac: MAC, broadcast: "127.0.0.1", port: card.port } },
    waitFor(up.promise),
  );
  for (let at = 0; at < 4; at++) await card.receive();
  ok(performance.now() - startedMs > 2_900);
  up.resolve();
  await woken;
});

Deno.test("what cannot be sent is told, and leaves no socket open", async () => {
  await rejects(
    sendDatagrams(magicPacket(MAC), { hostname: "127.0.0.1", port: 0, count: 3 }),
    /Invalid argument/,
  );
  using waker = new Waker({ clock: systemClock, logger: silentLogger });
  const wake = { mac: MAC, broadcast: "no address", port: 9 };
  const wait = { ...waitFor(new Promise(() => {})), timeoutMs: 200 };
  await rejects(waker.wake({ name: "gpu1", wake }, wait), (error: GatewayError) => {
    equal(error.code, "backend_unreachable");
    ok(error.message.includes("no address:9"), error.message);
    return true;
  });
});
