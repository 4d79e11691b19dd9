import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { createLogger } from "../../../lib/log.ts";
import { magicPacket } from "../../../lib/nodes/magic_packet.ts";
import type { UdpTarget } from "../../../lib/nodes/udp_broadcast.ts";
import { Waker, type WakeWait } from "../../../lib/nodes/waker.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const GPU1 = { name: "gpu1", wake: { mac: "aa:bb:cc:dd:ee:01", broadcast: "192.168.1.255", port: 9 } };
const GPU2 = { name: "gpu2", wake: { mac: "aa:bb:cc:dd:ee:02", broadcast: "192.168.1.255", port: 7 } };

/** Nodes that sleep, and a network that the test can break. */
class Bench implements Disposable {
  readonly clock = new FakeClock();
  readonly up = new Set<string>();
  readonly listeners = new Set<() => void>();
  readonly sent: { readonly packet: Uint8Array; readonly to: UdpTarget }[] = [];
  readonly lines: { readonly level: string; readonly message: string }[] = [];
  readonly waker: Waker;
  /** Set to let sending take its time, or fail. */
  sending: () => Promise<void> = () => Promise.resolve();

  constructor() {
    this.waker = new Waker({
      clock: this.clock,
      logger: createLogger({ sink: (line) => this.lines.push(JSON.parse(line)) }),
      send: async (packet, to) => {
        this.sent.push({ packet, to });
        await this.sending();
      },
    });
  }

  /** What is not awaited may fail. */
  wake(node: Parameters<Waker["wake"]>[0], wait: Partial<WakeWait> = {}): Promise<void> {
    const promise = this.waker.wake(node, {
      isUp: () => this.up.has(node.name),
      onChange: (listener) => {
        const own = () => listener();
        this.listeners.add(own);
        return { [Symbol.dispose]: () => void this.listeners.delete(own) };
      },
      signal: new AbortController().signal,
      timeoutMs: 120_000,
      ...wait,
    });
    promise.catch(() => {});
    return promise;
  }

  comeUp(name: string): void {
    this.up.add(name);
    this.change();
  }

  change(): void {
    for (const listener of this.listeners) listener();
  }

  /** Lets time pass second by second. */
  async pass(ms: number): Promise<void> {
    await settle();
    for (let leftMs = ms; leftMs > 0; leftMs -= 1_000) {
      this.clock.advance(Math.min(1_000, leftMs));
      await settle();
    }
  }

  messages(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }

  [Symbol.dispose](): void {
    this.waker.close();
  }
}

/** Lets all promise reactions run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

Deno.test("a node that is up is not woken", async () => {
  using bench = new Bench();
  bench.up.add("gpu1");
  await bench.wake(GPU1);
  deepEqual([bench.sent.length, bench.lines.length], [0, 0]);
});

Deno.test("a sleeping node gets three packets at once and every 3 s, until it is up", async () => {
  using bench = new Bench();
  const woken = bench.wake(GPU1);
  deepEqual(bench.sent, [{
    packet: magicPacket("aa:bb:cc:dd:ee:01"),
    to: { hostname: "192.168.1.255", port: 9, count: 3 },
  }]);
  await bench.pass(2_000);
  equal(bench.sent.length, 1);
  await bench.pass(7_000);
  equal(bench.sent.length, 4);
  bench.change(); // of something else
  bench.comeUp("gpu1");
  await woken;
  await bench.pass(60_000);
  deepEqual([bench.sent.length, bench.listeners.size], [4, 0]);
  deepEqual(bench.messages("info"), ["node being woken", "node woke up"]);
});

Deno.test("however many wait for a node, it is woken once; each node has its own packets", async () => {
  using bench = new Bench();
  const all = Array.from({ length: 50 }, () => bench.wake(GPU1));
  const other = bench.wake(GPU2);
  await bench.pass(3_000);
  deepEqual(bench.sent.map(({ to }) => to.port), [9, 7, 9, 7]);
  bench.comeUp("gpu1");
  await Promise.all(all);
  await bench.pass(3_000);
  deepEqual(bench.sent.slice(4).map(({ to }) => to.port), [7]);
  bench.comeUp("gpu2");
  await other;
  equal(bench.messages("info").length, 4);
});

Deno.test("who leaves ends it for nobody else; when the last one has left nothing is sent any more", async () => {
  using bench = new Bench();
  const clients = [new AbortController(), new AbortController()] as const;
  const [first, second] = clients.map(({ signal }) => bench.wake(GPU1, { signal }));
  const reason = new Error("left");
  clients[0].abort(reason);
  await rejects(first!, reason);
  await bench.pass(3_000);
  equal(bench.sent.length, 2);
  clients[1].abort(reason);
  await rejects(second!, reason);
  await bench.pass(60_000);
  deepEqual([bench.sent.length, bench.listeners.size], [2, 0]);
  deepEqual(bench.messages("info"), ["node being woken"]);
});

Deno.test("a client that has left already wakes nobody", async () => {
  using bench = new Bench();
  const reason = new Error("left");
  await rejects(bench.wake(GPU1, { signal: AbortSignal.abort(reason) }), reason);
  equal(bench.sent.length, 0);
});

Deno.test("a node that is called otherwise while it is woken can be woken again under its old name", async () => {
  using bench = new Bench();
  const node = { ...GPU1 };
  const first = bench.wake(node, { isUp: () => false, timeoutMs: 1_000 });
  node.name = "renamed";
  await bench.pass(1_000);
  await rejects(first, { code: "upstream_timeout" });
  equal(bench.waker.wakingMs("gpu1"), undefined);
  void bench.wake(GPU1);
  equal(bench.sent.length, 2);
});

Deno.test("a corrected address counts for who comes then, while others still wait with the old one", async () => {
  using bench = new Bench();
  const old = bench.wake(GPU1, { timeoutMs: 4_000 });
  void bench.wake({ name: "gpu1", wake: { ...GPU1.wake, port: 7 } });
  deepEqual(bench.sent.map(({ to }) => to.port), [9, 7]);
  await bench.pass(4_000);
  await rejects(old, { code: "upstream_timeout" });
  await bench.pass(2_000);
  deepEqual(bench.sent.map(({ to }) => to.port), [9, 7, 9, 7, 7]);
  equal(bench.waker.wakingMs("gpu1"), 6_000);
});

Deno.test("a node that was woken and sleeps again is woken again", async () => {
  using bench = new Bench();
  const first = bench.wake(GPU1);
  bench.comeUp("gpu1");
  await first;
  bench.up.delete("gpu1");
  const second = bench.wake(GPU1);
  equal(bench.sent.length, 2);
  await bench.pass(4_000);
  equal(bench.waker.wakingMs("gpu1"), 4_000);
  bench.comeUp("gpu1");
  await second;
});

Deno.test("for how long a node is being woken is known while somebody waits, from the first one on", async () => {
  using bench = new Bench();
  equal(bench.waker.wakingMs("gpu1"), undefined);
  const first = bench.wake(GPU1);
  await bench.pass(5_000);
  const second = bench.wake(GPU1);
  await bench.pass(1_000);
  deepEqual([bench.waker.wakingMs("gpu1"), bench.waker.wakingMs("gpu2")], [6_000, undefined]);
  bench.comeUp("gpu1");
  await Promise.all([first, second]);
  equal(bench.waker.wakingMs("gpu1"), undefined);
});

Deno.test("a node that does not wake up in time is given up with what was tried and what to check", async () => {
  using bench = new Bench();
  const woken = bench.wake(GPU1, { timeoutMs: 60_000 });
  await bench.pass(60_000);
  await rejects(woken, (error: GatewayError) => {
    deepEqual([error.code, error.status], ["upstream_timeout", 504]);
    match(
      error.message,
      /^Cannot wake gpu1: 6[03] magic packets were sent for aa:bb:cc:dd:ee:01 to 192\.168\.1\.255:9/,
    );
    match(
      error.message,
      /within 1 min 0 s, and it is not up; check .*BIOS.* same network .* wake\.broadcast/,
    );
    return true;
  });
  const sentCount = bench.sent.length;
  await bench.pass(60_000);
  equal(bench.sent.length, sentCount);
});

Deno.test("each waits for as long as it may", async () => {
  using bench = new Bench();
  const [short, long] = [bench.wake(GPU1, { timeoutMs: 4_000 }), bench.wake(GPU1, { timeoutMs: 8_000 })];
  await bench.pass(4_000);
  await rejects(short, { code: "upstream_timeout" });
  await bench.pass(2_000);
  equal(bench.sent.length, 3);
  bench.comeUp("gpu1");
  await long;
});

Deno.test("packets that cannot be sent are told of once, and tried again", async () => {
  using bench = new Bench();
  let error = "Network is unreachable (os error 101)";
  bench.sending = () => Promise.reject(new Error(error));
  const woken = bench.wake(GPU1);
  await bench.pass(6_000);
  deepEqual([bench.sent.length, bench.messages("warn")], [3, ["magic packet not sent"]]);
  error = "Operation not permitted (os error 1)";
  await bench.pass(3_000);
  equal(bench.messages("warn").length, 2);
  bench.sending = () => Promise.resolve();
  await bench.pass(3_000);
  bench.sending = () => Promise.reject(new Error(error));
  await bench.pass(3_000);
  equal(bench.messages("warn").length, 3);
  bench.comeUp("gpu1");
  await woken;
});

const UNSENT: { name: string; sending: (count: number) => Promise<void>; code: string; want: RegExp }[] = [
  {
    name: "not one packet could be sent",
    sending: () => Promise.reject(new Error("Network is unreachable")),
    code: "backend_unreachable",
    want:
      /^Cannot wake gpu1: no magic packet could be sent for .* to 192\.168\.1\.255:9 within 9\.0 s, at [34] attempts: Network is unreachable; check /,
  },
  {
    name: "the last packets could not be sent",
    sending: (count) => count > 1 ? Promise.reject(new Error("Network is down")) : Promise.resolve(),
    code: "upstream_timeout",
    want: /: 3 magic packets .* within 9\.0 s \(the last ones failed: Network is down\), and it is not up;/,
  },
  {
    name: "sending never ends",
    sending: () => new Promise(() => {}),
    code: "backend_unreachable",
    want: /within 9\.0 s, at 1 attempt: none has ended yet;/,
  },
];

for (const { name, sending, code, want } of UNSENT) {
  Deno.test(`a node that does not wake up is given up with the reason if ${name}`, async () => {
    using bench = new Bench();
    bench.sending = () => sending(bench.sent.length);
    const woken = bench.wake(GPU1, { timeoutMs: 9_000 });
    await bench.pass(9_000);
    await rejects(woken, (error: GatewayError) => {
      equal(error.code, code);
      match(error.message, want);
      return true;
    });
    equal(bench.waker.wakingMs("gpu1"), undefined);
  });
}

Deno.test("a node that nobody has said how to wake is refused at once", async () => {
  using bench = new Bench();
  await rejects(bench.wake({ name: "gpu3", wake: undefined }), (error: GatewayError) => {
    equal(error.code, "backend_unreachable");
    match(error.message, /^Cannot wake gpu3: .* ollama_nodes$/);
    return true;
  });
  deepEqual([bench.sent.length, bench.listeners.size], [0, 0]);
});

Deno.test("a waker that is closed refuses who waits and who comes, and sends nothing any more", async () => {
  using bench = new Bench();
  const waiting = bench.wake(GPU1);
  bench.waker.close();
  await rejects(waiting, { code: "shutting_down" });
  await rejects(bench.wake(GPU2), { code: "shutting_down" });
  await bench.pass(60_000);
  deepEqual([bench.sent.length, bench.listeners.size], [1, 0]);
});
