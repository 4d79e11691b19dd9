/** What a right, a wrong and no key take among 100, by themselves and over HTTP. Half a minute, loopback only. */
import { Table } from "console-table-printer";
import { KeyRing } from "../../../lib/auth/key_ring.ts";
import { newKey } from "../../../lib/auth/new_key.ts";
import { sha256Of } from "../../../lib/auth/secret_digest.ts";
import { startLlamaStub } from "./client_targets.ts";
import { startGateway } from "./targets.ts";

const PORT = { upstream: 21_551, target: 21_552 };
const KEY_COUNT = 100;
const ROUND_COUNT = 41;
const LOOK_UPS_PER_ROUND = 2_000;
const REQUESTS_PER_ROUND = 60;
/** How far a kind may be from the first one; of the longest look-up, µs. */
const LIMIT = { ratio: 1.25, microseconds: 20 };

const secrets = Array.from(
  { length: KEY_COUNT },
  () => newKey((bytes) => void crypto.getRandomValues(bytes)).secret,
);
const last = secrets.at(-1)!;

/** What clients may show. */
const KINDS: readonly (readonly [name: string, secret: string | undefined])[] = [
  ["wrong", newKey((bytes) => void bytes.fill(1)).secret],
  ["right, the first", secrets[0]],
  ["right, the last", last],
  ["wrong in its first letter", `S${last.slice(1)}`],
  ["wrong in its last letter", last.slice(0, -1) + (last.endsWith("0") ? "1" : "0")],
  ["none", undefined],
];

async function main(): Promise<void> {
  const lookUps = medians(await inTurns((secret) => Promise.resolve(lookUpMicroseconds(secret ?? ""))));
  await using _upstream = await startLlamaStub(PORT.upstream, { pieceCount: 2, intervalMs: 1, firstMs: 0 });
  const keys = secrets.map((secret, at) => ({ name: `k${at}`, hash: `sha256:${sha256Of(secret)}` }));
  await using target = await startGateway(PORT.target, PORT.upstream, "unused", { auth: { keys } });
  const url = `${target.url}/nothing/here`; // refused all the same
  const requests = medians(await inTurns((secret) => requestMicroseconds(url, secret)));
  const table = new Table();
  KINDS.forEach(([name], at) => {
    const [lookUp, request] = [lookUps[at]!, requests[at]!];
    const isShown = KINDS[at]![1] !== undefined;
    table.addRow({
      key: name,
      "look-up µs": isShown ? lookUp.toFixed(2) : "",
      "of the first": isShown ? (lookUp / lookUps[0]!).toFixed(2) : "",
      "request µs": request.toFixed(0),
      "of the first ": (request / requests[0]!).toFixed(2),
    });
    const isFlat = lookUp / lookUps[0]! < LIMIT.ratio && lookUp < LIMIT.microseconds;
    if (isShown && !isFlat) Deno.exitCode = 1;
  });
  Deno.stdout.writeSync(new TextEncoder().encode(`${table.render()}\n`));
}

const ring = new KeyRing(secrets.map((secret, at) => ({
  name: `k${at}`,
  sha256: [sha256Of(secret)],
  scopes: ["inference"],
  models: undefined,
  requestsPerMinute: undefined,
  concurrency: undefined,
  maxPriority: undefined,
})));

function lookUpMicroseconds(secret: string): number {
  const startMs = performance.now();
  for (let count = 0; count < LOOK_UPS_PER_ROUND; count++) ring.find(secret);
  return (performance.now() - startMs) * 1_000 / LOOK_UPS_PER_ROUND;
}

async function requestMicroseconds(url: string, secret: string | undefined): Promise<number> {
  const headers: HeadersInit = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
  const startMs = performance.now();
  for (let count = 0; count < REQUESTS_PER_ROUND; count++) await (await fetch(url, { headers })).text();
  return (performance.now() - startMs) * 1_000 / REQUESTS_PER_ROUND;
}

/** Each kind in each round, so that whatever else the machine does befalls all; the first round warms up. */
async function inTurns(measure: (secret: string | undefined) => Promise<number>): Promise<number[][]> {
  const taken = KINDS.map((): number[] => []);
  for (let round = 0; round <= ROUND_COUNT; round++) {
    for (const [at, [, secret]] of KINDS.entries()) {
      const microseconds = await measure(secret);
      if (round > 0) taken[at]!.push(microseconds);
    }
  }
  return taken;
}

function medians(taken: readonly (readonly number[])[]): number[] {
  return taken.map((values) => values.toSorted((a, b) => a - b)[values.length >> 1]!);
}

if (import.meta.main) await main();
