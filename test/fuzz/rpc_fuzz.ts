/**
 * Damaged answers of rpc backends, cut at random: `deno run -A test/fuzz/rpc_fuzz.ts --count 50000 --seed 1`.
 * Exits 1 at the first violation, and prints how to repeat it.
 */
import { deepEqual, ok } from "node:assert/strict";
import { parseArgs } from "node:util";
import { type Random, seededRandom } from "../../lib/gguf/seeded_random.ts";
import { AnswerDecoder, RpcSyntaxError } from "../../lib/rpc/answer_decoder.ts";
import { parseEndpoint } from "../../lib/rpc/endpoint.ts";
import { nameForeignProtocol } from "../../lib/rpc/foreign_protocol.ts";
import { probe } from "../../lib/rpc/probe.ts";
import { MIB } from "../../lib/units.ts";
import { mutations } from "./mutate.ts";

/** Of this many inputs one is also sent to a whole probe, over a socket. */
const PER_SOCKET = 50;
const MAX_GROWTH_BYTES = 64 * MIB;
const SIZE = (bytes: number) => [bytes, 0, 0, 0, 0, 0, 0, 0];
const HELLO = [...SIZE(28), 8, 0, 0, ...new Array<number>(25).fill(0)];
const MEMORY = [...SIZE(16), 0, 0x20, 0x92, 0xe2, 5, 0, 0, 0, 0, 0x20, 0x92, 0xe2, 5, 0, 0, 0];
const ANSWERS = [
  Uint8Array.from([...HELLO, ...SIZE(4), 1, 0, 0, 0, ...MEMORY]),
  Uint8Array.from([...HELLO, ...SIZE(4), 3, 0, 0, 0, ...MEMORY, ...MEMORY, ...MEMORY]),
  Uint8Array.from([...SIZE(3), 3, 6, 1]),
  new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { count: { type: "string", default: "50000" }, seed: { type: "string", default: "1" } },
  });
  const random = seededRandom(Number(values.seed));
  const damaged = ANSWERS.map((answer) => mutations(answer, random));
  const count = Number(values.count);
  const startBytes = Deno.memoryUsage().rss;
  for (let index = 0; index < count; index++) {
    const { bytes, how } = damaged[index % damaged.length]!.next().value;
    try {
      const pieces = cut(bytes, random);
      checkDecoder(bytes, pieces);
      checkEndpoint(bytes);
      if (index % PER_SOCKET === 0) await checkProbe(pieces, random() < 0.9);
      ok(Deno.memoryUsage().rss - startBytes < MAX_GROWTH_BYTES, "it grew by more than 64 MiB");
    } catch (error) {
      print(`violation by input ${index} of seed ${values.seed} (${how}): ${bytes.toHex()}`);
      throw error;
    }
  }
  print(`${count} answers, ${Math.ceil(count / PER_SOCKET)} of them over a socket: no violation`);
}

/** It may only throw its own error, and it must not matter where the stream is cut. */
function checkDecoder(bytes: Uint8Array, pieces: readonly Uint8Array[]): void {
  const whole = decode([bytes]);
  deepEqual(decode(pieces), whole);
  ok(whole.devices.length <= 64);
  nameForeignProtocol(bytes);
}

function decode(pieces: readonly Uint8Array[]) {
  const decoder = new AnswerDecoder();
  let fault: string | undefined;
  try {
    for (const piece of pieces) decoder.push(piece);
  } catch (error) {
    if (!(error instanceof RpcSyntaxError)) throw error;
    fault = error.message;
  }
  const { version, deviceCount, devices, isComplete } = decoder;
  return { version, deviceCount, devices, isComplete, fault };
}

function checkEndpoint(bytes: Uint8Array): void {
  try {
    const { host, port } = parseEndpoint(new TextDecoder().decode(bytes));
    ok(host.length > 0 && port >= 1 && port <= 65535);
  } catch (error) {
    ok(error instanceof RangeError, error as Error);
  }
}

/** Whatever comes back, a probe ends in time and with a verdict. */
async function checkProbe(pieces: readonly Uint8Array[], closes: boolean): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = serve(listener, pieces, closes);
  const startMs = performance.now();
  const { verdict, reason } = await probe({ host: "127.0.0.1", port: listener.addr.port }, { timeoutMs: 50 });
  ok(performance.now() - startMs < 5_000, "the probe did not keep its timeout");
  ok(["up", "held", "down", "mismatch", "not-rpc"].includes(verdict) && reason.length > 20, reason);
  listener.close();
  await serving;
}

async function serve(
  listener: Deno.TcpListener,
  pieces: readonly Uint8Array[],
  closes: boolean,
): Promise<void> {
  try {
    while (true) {
      using client = await listener.accept();
      if (await client.read(new Uint8Array(256)).catch(() => null) === null) continue;
      for (const piece of pieces) await client.write(piece).catch(() => 0);
      if (!closes) await client.read(new Uint8Array(256)).catch(() => null);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

function cut(bytes: Uint8Array, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const count = 1 + Math.floor(random() * 20);
    pieces.push(bytes.subarray(at, at + count));
    at += count;
  }
  return pieces;
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) await main();
