import { equal } from "node:assert/strict";
import { AnswerDecoder } from "../../lib/rpc/answer_decoder.ts";
import type { Endpoint } from "../../lib/rpc/endpoint.ts";
import { probe } from "../../lib/rpc/probe.ts";
import { probeAll } from "../../lib/rpc/probe_all.ts";
import { encodeProbe } from "../../lib/rpc/protocol.ts";
import { FakeRpcBackend } from "../fakes/fake_rpc_backend.ts";

// The backends live in this process, so about half of each time is theirs: the ratios are what counts.
const endpoints = Array.from({ length: 100 }, () => new FakeRpcBackend().endpoint);
const first = endpoints[0]!;

/** The least that could do: one connection, one request, one answer; it would kill a held backend. */
async function askBarely({ host, port }: Endpoint): Promise<AnswerDecoder> {
  using connection = await Deno.connect({ hostname: host, port });
  await connection.write(encodeProbe());
  const decoder = new AnswerDecoder();
  const chunk = new Uint8Array(256);
  while (!decoder.isComplete) decoder.push(chunk.subarray(0, await connection.read(chunk) ?? 0));
  return decoder;
}

Deno.bench("connect, ask and close", { group: "one backend", baseline: true }, async () => {
  await askBarely(first);
});

Deno.bench("probe()", { group: "one backend" }, async () => {
  equal((await probe(first)).verdict, "up");
});

Deno.bench("connect, ask and close", { group: "100 backends at once", baseline: true }, async () => {
  await Promise.all(endpoints.map(askBarely));
});

Deno.bench("probeAll()", { group: "100 backends at once" }, async () => {
  const results = await probeAll(endpoints);
  equal(results.filter(({ verdict }) => verdict === "up").length, 100);
});
