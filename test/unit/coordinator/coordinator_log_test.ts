import { deepEqual, equal, ok } from "node:assert/strict";
import { type CoordinatorEvent, CoordinatorLog } from "../../../lib/coordinator/coordinator_log.ts";

const FIXTURES = new URL("../../fixtures/llama_server_logs/", import.meta.url);

async function replay(name: string, log: CoordinatorLog): Promise<void> {
  const text = await Deno.readTextFile(new URL(`${name}.log`, FIXTURES));
  for (const line of text.split("\n")) log.read(line);
}

Deno.test("CoordinatorLog tells the moments of a start", async () => {
  const events: CoordinatorEvent[] = [];
  const log = new CoordinatorLog((event) => events.push(event));
  equal(log.listening.aborted, false);
  await replay("ready_three_backends", log);
  await log.enumerated;
  ok(log.listening.aborted);
  equal(log.url, "unix://a.sock");
  equal(log.cause, undefined);
  ok(events.some(({ type }) => type === "warming_up"));
});

Deno.test("CoordinatorLog keeps of two buffers for one use the later: a dry run tells zero first", () => {
  const log = new CoordinatorLog();
  for (const size of ["0.00", "7.50"]) {
    log.read(`load_tensors: RPC0[a:1] model buffer size =     ${size} MiB`);
  }
  deepEqual(log.buffers.map(({ bytes }) => bytes), [7.5 * 1024 ** 2]);
});

Deno.test("CoordinatorLog adds up the two KV caches of a model with windows, and begins anew with each load", () => {
  const log = new CoordinatorLog();
  for (let load = 0; load < 2; load++) {
    log.read("load_tensors: loading model tensors, this can take a while... (load_mode = mmap)");
    log.read("llama_kv_cache: RPC0[a:1] KV buffer size =     6.00 MiB");
    log.read("llama_kv_cache: RPC0[a:1] KV buffer size =     1.50 MiB");
    deepEqual(log.buffers.map(({ bytes }) => bytes), [7.5 * 1024 ** 2]);
  }
});

Deno.test("CoordinatorLog forgets failures on the way once it is told that it started", async () => {
  const log = new CoordinatorLog();
  await replay("no_room_for_compute", log);
  equal(log.cause?.kind, "out_of_memory");
  log.markServing();
  equal(log.cause, undefined);
});

Deno.test("CoordinatorLog keeps a bounded tail", () => {
  const log = new CoordinatorLog();
  for (let number = 0; number < 1_000; number++) log.read(`line ${number}`);
  deepEqual([log.tail.length, log.tail.at(-1)], [200, "line 999"]);
});

Deno.test("CoordinatorLog neither keeps nor believes what a client's grammar spells, once it serves", () => {
  const events: CoordinatorEvent[] = [];
  const log = new CoordinatorLog((event) => events.push(event));
  log.markServing();
  for (const line of ["Failed to connect to SECRET:1", "listening on http://SECRET:1", "root ::= SECRET"]) {
    equal(log.read(line), false);
  }
  deepEqual([log.tail, log.url, log.cause, events], [[], undefined, undefined, []]);
});

Deno.test("CoordinatorLog still hears a backend die while it serves", () => {
  const log = new CoordinatorLog();
  log.markServing();
  const line = "./src/ggml-rpc/ggml-rpc.cpp:682: Remote RPC server crashed or returned malformed response";
  equal(log.read(line), true);
  deepEqual([log.tail, log.cause?.kind], [[line], "backend_lost"]);
});

Deno.test("CoordinatorLog believes the first word on where it listens", () => {
  const log = new CoordinatorLog();
  for (const port of [1, 2]) {
    log.read(`0.00.077.960 I srv  llama_server: listening on http://127.0.0.1:${port}`);
  }
  equal(log.url, "http://127.0.0.1:1");
});
