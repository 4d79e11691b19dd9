/**
 * Mutated requests over all routes of a gateway, and what became of them: no answer may be a 500, hang, speak another
 * dialect than its route or tell a key, and the gateway may not grow.
 *
 *     deno task fuzz:requests [--count 100000] [--seed 1] [--replay FILE]
 */
import { parseArgs } from "node:util";
import { seededRandom } from "../../lib/gguf/seeded_random.ts";
import { eventually } from "../e2e/eventually.ts";
import { print } from "../e2e/figures.ts";
import { RawClient, type RawRequest } from "./raw_http.ts";
import { type Footprint, KEYS, MODELS, RequestBed } from "./request_bed.ts";
import { requestCases } from "./request_cases.ts";

const LANE_COUNT = 16;
/** All code has run by then, and all caches are filled. */
const WARM_UP_COUNT = 10_000;
const ROUND_COUNT = 2_000;
const MOST_GROWTH_MIB = 32;
/** More than these are of the same kind. */
const MOST_VIOLATIONS = 30;

/** What came out of a run. */
interface Outcome {
  /** By status; 0 where nothing came, as to a client that left. */
  readonly statuses: Map<number, number>;
  readonly violations: string[];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "100000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      replay: { type: "string" },
    },
  });
  await using bed = await RequestBed.open();
  if (values.replay !== undefined) return await replay(bed, values.replay);
  print(`seed ${values.seed}, ${values.count} requests to ${bed.url}`);
  return await fuzz(bed, Number(values.count), Number(values.seed));
}

async function fuzz(bed: RequestBed, count: number, seed: number): Promise<number> {
  const cases = requestCases(seededRandom(seed), {
    models: Object.values(MODELS),
    clientKey: KEYS.client,
    workerToken: KEYS.worker,
  });
  const outcome: Outcome = { statuses: new Map(), violations: [] };
  const startMs = performance.now();
  let warm: Footprint | undefined;
  for (let done = 0; done < count && outcome.violations.length < MOST_VIOLATIONS;) {
    const round = Math.min(ROUND_COUNT, count - done);
    await runRound(bed, cases, round, outcome);
    done += round;
    await bed.restore();
    if (done % WARM_UP_COUNT === 0 || done === count) {
      const now = await settled(bed, outcome);
      print(`${done} requests in ${seconds(startMs)}: ${JSON.stringify(now)} ${told(outcome.statuses)}`);
      warm ??= now;
    }
  }
  if (warm !== undefined) checkGrowth(warm, await bed.footprint(), outcome);
  outcome.violations.push(...bed.bugs().slice(0, 10).map((line) => `in the log: ${line.slice(0, 1_000)}`));
  print(`\n${count} requests of seed ${seed} in ${seconds(startMs)}; statuses ${told(outcome.statuses)}`);
  for (const violation of outcome.violations) print(`violation: ${violation}`);
  print(outcome.violations.length === 0 ? "no violation" : `${outcome.violations.length} violations`);
  return outcome.violations.length === 0 ? 0 : 1;
}

/** Sends so many requests over a few connections at a time. */
async function runRound(
  bed: RequestBed,
  cases: Iterator<RawRequest, never>,
  count: number,
  outcome: Outcome,
): Promise<void> {
  let left = count;
  const lane = async () => {
    using client = new RawClient(Number(new URL(bed.url).port), Object.values(KEYS));
    while (left-- > 0) await runCase(client, cases.next().value, outcome);
  };
  await Promise.all(Array.from({ length: LANE_COUNT }, lane));
}

async function runCase(
  client: RawClient,
  request: RawRequest,
  { statuses, violations }: Outcome,
): Promise<void> {
  const { status, text, fault } = await client.send(request);
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  // Both upstreams are sound, and whoever reads an answer has not left.
  const isStrange = (status > 500 && !UNREACHABLE_WISH.test(text)) ||
    (status === 499 && request.isWellFramed);
  const wrong = fault ?? (isStrange ? `the status is ${status}` : undefined);
  if (wrong === undefined || violations.length >= MOST_VIOLATIONS) return;
  const file = save(request);
  const { method, path, how } = request;
  violations.push(
    `${wrong}; ${method} ${path.slice(0, 100)} (${how}) answered ${status} ${
      text.slice(0, 400)
    }; see ${file}`,
  );
}

/** Requests add nodes that do not run, and others wish to be served by such a one and nobody else. */
const UNREACHABLE_WISH = /x-sollol-route asks for /;

/** Waits until nothing is under way, and looks. */
async function settled(bed: RequestBed, { violations }: Outcome): Promise<Footprint> {
  await eventually("nothing is under way", async () => await bed.inFlightCount() === 0, 20_000)
    .catch((error) => violations.push(`${error.message}: ${JSON.stringify(error)}`));
  return await bed.footprint();
}

function checkGrowth(warm: Footprint, last: Footprint, { violations }: Outcome): void {
  const grownMib = last.residentMib - warm.residentMib;
  print(
    `since the warm-up: resident ${warm.residentMib} -> ${last.residentMib} MiB, heap ${warm.heapMib} -> ${last.heapMib} MiB, fds ${warm.fdCount} -> ${last.fdCount}`,
  );
  if (grownMib > MOST_GROWTH_MIB) violations.push(`it grew by ${grownMib} MiB`);
  if (last.heapMib - warm.heapMib > MOST_GROWTH_MIB) {
    violations.push(`its heap grew by ${last.heapMib - warm.heapMib} MiB`);
  }
  if (last.fdCount > warm.fdCount + 2 * LANE_COUNT) violations.push(`${last.fdCount} descriptors are open`);
}

function save(request: RawRequest): string {
  const file = Deno.makeTempFileSync({ prefix: "sollol-request-", suffix: ".json" });
  Deno.writeTextFileSync(file, JSON.stringify({ ...request, bytes: request.bytes.toBase64() }));
  return file;
}

async function replay(bed: RequestBed, file: string): Promise<number> {
  const { bytes, ...rest } = JSON.parse(Deno.readTextFileSync(file));
  const request: RawRequest = { leavesAfterBytes: undefined, ...rest, bytes: Uint8Array.fromBase64(bytes) };
  using client = new RawClient(Number(new URL(bed.url).port), Object.values(KEYS));
  print(new TextDecoder().decode(request.bytes));
  const { status, text, fault } = await client.send(request);
  print(`\n${status} ${text}\n${fault ?? "no violation"}`);
  for (const line of bed.bugs()) print(line);
  return fault === undefined ? 0 : 1;
}

function told(statuses: ReadonlyMap<number, number>): string {
  return JSON.stringify(Object.fromEntries(statuses));
}

function seconds(sinceMs: number): string {
  return `${Math.round((performance.now() - sinceMs) / 1_000)} s`;
}

if (import.meta.main) Deno.exit(await main());
