import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ask } from "./ask.ts";
import { chat, ChatStream } from "./chat.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed, type ServedGateway, type Settings } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** One rpc backend and one slot: whoever comes second waits. */
async function serveOneSlot(
  programs: RealPrograms,
  stack: AsyncDisposableStack,
  settings: Settings = {},
): Promise<{ bed: GatewayBed; gateway: ServedGateway }> {
  const bed = stack.use(await GatewayBed.create(programs, { backendCount: 1 }));
  const gateway = stack.use(await bed.serve({ settings: { "coordinator.slots": 1, ...settings } }));
  return { bed, gateway };
}

async function untilWaiting(gateway: ServedGateway, count: number): Promise<void> {
  await eventually(`${count} wait`, async () => {
    return (await gateway.health()).coordinators[0]?.waitingCount === count;
  });
}

test("who has a higher priority is served first, whoever came first", async (programs) => {
  await using stack = new AsyncDisposableStack();
  const { bed, gateway } = await serveOneSlot(programs, stack);
  const stream = await ChatStream.open(gateway.url, { maxTokens: 500 });
  const order: string[] = [];
  const asked: Promise<unknown>[] = [];
  for (const [priority, count] of [["0", 1], ["5", 2], ["10", 3]] as const) {
    const headers = { "x-sollol-priority": priority };
    asked.push(ask(gateway.url, { stream: false, maxTokens: 2, headers }).then(() => order.push(priority)));
    await untilWaiting(gateway, count);
  }
  equal((await stream.rest()).tokenCount, 500);
  await Promise.all(asked);
  deepEqual(order, ["10", "5", "0"]);
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("beyond limits.queue a request is refused at once, and told when to come back", async (programs) => {
  await using stack = new AsyncDisposableStack();
  const { bed, gateway } = await serveOneSlot(programs, stack, { "limits.queue": 1 });
  const stream = await ChatStream.open(gateway.url, { maxTokens: 500 });
  const waiting = chat(gateway.url);
  await untilWaiting(gateway, 1);
  const { status, headers, error } = await chat(gateway.url);
  deepEqual([status, error!.code], [429, "rate_limited"]);
  ok(Number(headers.get("retry-after")) >= 1);
  match(error!.message, /1 request waits already/);
  equal((await stream.rest()).tokenCount, 500);
  equal((await waiting).tokenCount, 4);
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("a client that leaves while it waits costs nothing, and its place is free", async (programs) => {
  await using stack = new AsyncDisposableStack();
  const { bed, gateway } = await serveOneSlot(programs, stack, { "limits.queue": 1 });
  const stream = await ChatStream.open(gateway.url, { maxTokens: 500 });
  const client = new AbortController();
  const left = ask(gateway.url, { stream: true, maxTokens: 4, signal: client.signal });
  await untilWaiting(gateway, 1);
  client.abort();
  equal((await left).end, "left");
  await untilWaiting(gateway, 0);
  const waiting = chat(gateway.url); // there is room for one again
  equal((await stream.rest()).tokenCount, 500);
  equal((await waiting).tokenCount, 4);
  await gateway.stop();
  const requests = gateway.program.logged("request").map((
    { outcome, attemptCount },
  ) => [outcome, attemptCount]);
  deepEqual(requests, [["client_closed", 0], ["ok", 1], ["ok", 1]]);
  await bed.assertNothingLeft();
});

test("who may wait only so long is refused after that, by x-sollol-max-wait", async (programs) => {
  await using stack = new AsyncDisposableStack();
  const { bed, gateway } = await serveOneSlot(programs, stack);
  const stream = await ChatStream.open(gateway.url, { maxTokens: 1_000 });
  const { status, error, headers } = await chat(gateway.url, { headers: { "x-sollol-max-wait": "300ms" } });
  deepEqual([status, error!.code], [503, "no_capacity"]);
  ok(Number(headers.get("retry-after")) >= 1);
  equal((await stream.rest()).tokenCount, 1_000);
  await gateway.stop();
  await bed.assertNothingLeft();
});
