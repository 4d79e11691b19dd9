import { deepEqual, equal, rejects } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { createLogger } from "../../../lib/log.ts";
import type { ModelOrder, ModelOrders, OrderProgress } from "../../../lib/model_management/model_order.ts";
import { RecordedOrders } from "../../../lib/model_management/recorded_orders.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const ORDER: ModelOrder = { requestId: "r1", model: "tiny", said: { model: "tiny" }, wish: undefined };
const PLACE = { nodes: ["a"], because: "it has most room" };
const encoder = new TextEncoder();

function recorded(orders: Partial<ModelOrders>, clock = new FakeClock()) {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ sink: (line) => lines.push(JSON.parse(line)) });
  return { lines, orders: new RecordedOrders({ orders: orders as ModelOrders, logger, clock }) };
}

/** A pull whose lines take a second each. */
function pulling(clock: FakeClock, ...told: unknown[]): Pick<ModelOrders, "pull"> {
  async function* lines(): AsyncGenerator<string, void> {
    for (const line of told) {
      clock.advance(1_000);
      if (line instanceof Error) throw line;
      yield await Promise.resolve(JSON.stringify(line));
    }
  }
  return { pull: (): Promise<OrderProgress> => Promise.resolve({ ...PLACE, lines: lines() }) };
}

async function allOf(progress: OrderProgress): Promise<string[]> {
  return await Array.fromAsync(progress.lines!);
}

for (
  const { name, told, want } of [
    {
      name: "that was done",
      told: [{ status: "pulling manifest" }, { status: "success" }],
      want: { level: "info", outcome: "ok", status: 200, durationMs: 2_000 },
    },
    {
      name: "that failed",
      told: [{ status: "pulling manifest" }, { error: "disk full" }],
      want: { level: "warn", outcome: "failed", status: 500, durationMs: 2_000, error: "disk full" },
    },
    {
      name: "whose lines broke",
      told: [{ status: "pulling manifest" }, new TypeError("a bug")],
      want: { level: "warn", outcome: "failed", status: 500, durationMs: 2_000, error: "a bug" },
    },
  ]
) {
  Deno.test(`a pull ${name} has its line when it is over, and its words pass`, async () => {
    const clock = new FakeClock();
    const { orders, lines } = recorded(pulling(clock, ...told), clock);
    const progress = await orders.pull(ORDER, new AbortController().signal);
    const early = [...lines];
    deepEqual(early, []);
    const said = await allOf(progress).catch((error) => [error.message]);
    deepEqual(
      said,
      told.some((line) => line instanceof Error) ? ["a bug"] : told.map((l) => JSON.stringify(l)),
    );
    equal(lines.length, 1);
    const { time: _time, message, ...line } = lines[0]!;
    equal(message, "order");
    deepEqual(line, { requestId: "r1", order: "pull", model: "tiny", ...PLACE, ...want });
  });
}

Deno.test("a pull whose client leaves has its line, also if nobody read any of its words", async () => {
  const { orders, lines } = recorded(pulling(new FakeClock(), { status: "success" }));
  const left = new AbortController();
  const { lines: unread } = await orders.pull(ORDER, left.signal);
  left.abort(new GatewayError("client_closed", "The client has left"));
  await unread!.return();
  deepEqual(lines.map(({ outcome, nodes, error }) => ({ outcome, nodes, error })), [
    { outcome: "client_closed", nodes: ["a"], error: "The client has left" },
  ]);
});

Deno.test("a pull that is read no further is over", async () => {
  const { orders, lines } = recorded(
    pulling(new FakeClock(), { status: "pulling" }, { status: "success" }),
  );
  const progress = await orders.pull(ORDER, new AbortController().signal);
  await progress.lines!.next();
  await progress.lines!.return();
  deepEqual(lines.map(({ outcome }) => outcome), ["client_closed"]);
});

for (
  const { status, said, want } of [
    { status: 200, said: "", want: { level: "info", outcome: "ok", status: 200 } },
    {
      status: 404,
      said: `{"error":"model 'tiny' not found"}`,
      want: { level: "info", outcome: "refused", status: 404, error: "model 'tiny' not found" },
    },
    {
      status: 500,
      said: `{"error":"disk full"}`,
      want: { level: "warn", outcome: "failed", status: 500, error: "disk full" },
    },
  ]
) {
  Deno.test(`an order that a node answers ${status} has its line`, async () => {
    const answer = { ...PLACE, status, body: encoder.encode(said) };
    const { orders, lines } = recorded({ delete: () => Promise.resolve(answer) });
    equal(await orders.delete(ORDER, new AbortController().signal), answer);
    const { time: _time, message: _message, ...line } = lines[0]!;
    deepEqual(line, { requestId: "r1", order: "delete", model: "tiny", ...PLACE, durationMs: 0, ...want });
    equal(lines.length, 1);
  });
}

Deno.test("an order that no node can be asked has its line, and fails as it did", async () => {
  const error = new GatewayError("backend_unreachable", "Cannot delete: no Ollama node is up");
  const { orders, lines } = recorded({ delete: () => Promise.reject(error) });
  await rejects(orders.delete(ORDER, new AbortController().signal), error);
  deepEqual(lines.map(({ level, outcome, status, nodes }) => ({ level, outcome, status, nodes })), [
    { level: "warn", outcome: "failed", status: 502, nodes: undefined },
  ]);
});

Deno.test("a blob that is sent has a line; the question for it has none", async () => {
  const answer = { ...PLACE, status: 201, body: new Uint8Array() };
  const { orders, lines } = recorded({
    putBlob: () => Promise.resolve(answer),
    findBlob: () => Promise.resolve(answer),
  });
  const { signal } = new AbortController();
  const blob = { requestId: "r1", digest: `sha256:${"0".repeat(64)}`, wish: undefined };
  await orders.findBlob(blob, signal);
  const asked = [...lines];
  deepEqual(asked, []);
  await orders.putBlob(blob, { lengthBytes: 0, pieces: (async function* () {})() }, signal);
  deepEqual(lines.map(({ order, digest, outcome }) => ({ order, digest, outcome })), [
    { order: "blob", digest: blob.digest, outcome: "ok" },
  ]);
});
