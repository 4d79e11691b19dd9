import { ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { ask, type Reply } from "./ask.ts";
import { eventually } from "./eventually.ts";
import type { FaultBed } from "./fault_bed.ts";
import type { LogRecord } from "./program.ts";

/** What one fault did. */
export interface Damage {
  /** When it happened, ms since 1970. */
  readonly struckMs: number;
  /** What every client got, those of before it and those who came later. */
  readonly replies: readonly Reply[];
  /** From the fault to the gateway's first word of it, ms; `undefined` if it said none, or is dead itself. */
  readonly detectedMs: number | undefined;
  /** From the fault to the next coordinator that is ready, ms. */
  readonly recoveredMs: number;
  /** Processes that nobody needs any more, once all is well again. */
  readonly leftOverCount: number;
}

/** One way in which things go wrong. */
export interface Fault {
  readonly name: string;
  /** Whether clients whose answer had not begun may lose it: only if the gateway itself is killed. */
  readonly mayLose?: boolean;
  /** Does it once, and waits until all is as before. */
  run(bed: FaultBed): Promise<Damage>;
}

/** Undoes a fault. */
type Repair = () => Promise<void>;

/** What the gateway may say first when it has noticed. */
const DETECTIONS = ["coordinator is given up", "coordinator died", "request retried"];
const RECOVERY_MS = 30_000;

/** All of them, in the order of the table. */
export const FAULTS: readonly Fault[] = [
  amidIdleness("backend SIGKILL, idle", killBackend, "asked later"),
  amidIdleness("backend SIGKILL, idle, asked at once", killBackend, "asked at once"),
  amidAnswers("backend SIGKILL, generating", killBackend),
  amidLoad("backend SIGKILL, loading", killBackend),
  amidAnswers("backend SIGSTOP, generating", freezeBackend),
  amidAnswers("coordinator SIGKILL", async (bed) => {
    Deno.kill(await bed.coordinatorPid(), "SIGKILL");
    return () => Promise.resolve();
  }),
  amidAnswers("coordinator SIGSTOP", async (bed) => {
    Deno.kill(await bed.coordinatorPid(), "SIGSTOP");
    return () => Promise.resolve();
  }),
  { name: "gateway SIGTERM under load", run: (bed) => endGateway(bed, "SIGTERM") },
  { name: "gateway SIGKILL under load", mayLose: true, run: (bed) => endGateway(bed, "SIGKILL") },
];

async function killBackend(bed: FaultBed): Promise<Repair> {
  const backend = await bed.usedBackend();
  await backend.kill();
  return () => backend.revive();
}

async function freezeBackend(bed: FaultBed): Promise<Repair> {
  const backend = await bed.usedBackend();
  backend.freeze();
  return () => Promise.resolve(backend.thaw());
}

/** Nobody asks when it happens; those who ask later are not to notice it, those who ask at once are to be answered. */
function amidIdleness(
  name: string,
  strike: (bed: FaultBed) => Promise<Repair>,
  when: "asked later" | "asked at once",
): Fault {
  return {
    name,
    async run(bed) {
      await bed.warmUp();
      const struckMs = Date.now();
      const repair = await strike(bed);
      if (when === "asked later") await untilRecovered(bed, struckMs);
      const replies = await Promise.all([bed.ask(false), bed.ask(true)]);
      if (when === "asked later") {
        ok(replies.every(({ attemptCount, loadMs }) => attemptCount === 1 && loadMs === 0));
      }
      return await assess(bed, { struckMs, replies, repair });
    },
  };
}

/** It happens while all slots are in use and some wait. */
function amidAnswers(name: string, strike: (bed: FaultBed) => Promise<Repair>): Fault {
  return {
    name,
    async run(bed) {
      await bed.warmUp();
      const waiting = await bed.load();
      const struckMs = Date.now();
      const repair = await strike(bed);
      return await assess(bed, { struckMs, replies: await Promise.all(waiting), repair });
    },
  };
}

/** It happens while some wait for the model to load. */
function amidLoad(name: string, strike: (bed: FaultBed) => Promise<Repair>): Fault {
  return {
    name,
    async run(bed) {
      await bed.coolDown();
      const { loadMs = 0 } = await bed.gateway.coordinatorOf("tiny");
      const waiting = Array.from({ length: 6 }, (_, index) => bed.ask(index % 2 === 0));
      await eventually("it loads", async () => (await bed.gateway.coordinatorOf("tiny")).phase === "loading");
      await delay(0.6 * loadMs * Math.random());
      const struckMs = Date.now();
      const repair = await strike(bed);
      return await assess(bed, { struckMs, replies: await Promise.all(waiting), repair });
    },
  };
}

/** What was in flight ends with the gateway, in order or not; the next one is asked as soon as it listens. */
async function endGateway(bed: FaultBed, signal: "SIGTERM" | "SIGKILL"): Promise<Damage> {
  await bed.warmUp();
  const waiting = await bed.load();
  const { program } = bed.gateway;
  const struckMs = Date.now();
  Deno.kill(program.pid, signal); // the pid alone: nobody else is told
  const replies = await Promise.all(waiting);
  const { code } = await program.ended;
  ok(signal === "SIGKILL" || code === 0, `it exited with ${code}`);
  const detectedMs = bed.msUntilLogged(({ message }) => message === "shutting down", struckMs);
  await eventually("no coordinator is left", () => bed.coordinatorProcesses().length === 0, 5_000);
  await bed.serve();
  const next = await ask(bed.gateway.url, { stream: false, maxTokens: 1 });
  const recoveredMs = await untilRecovered(bed, struckMs);
  const leftOverCount = bed.coordinatorProcesses().length - 1;
  return { struckMs, replies: [...replies, next], detectedMs, recoveredMs, leftOverCount };
}

async function assess(
  bed: FaultBed,
  { struckMs, replies, repair }: { struckMs: number; replies: readonly Reply[]; repair: Repair },
): Promise<Damage> {
  const recoveredMs = await untilRecovered(bed, struckMs);
  const detectedMs = bed.msUntilLogged(isDetection, struckMs);
  await repair();
  await eventually("one coordinator runs", () => bed.coordinatorProcesses().length <= 1, 3_000).catch(
    () => {},
  );
  return { struckMs, replies, detectedMs, recoveredMs, leftOverCount: bed.coordinatorProcesses().length - 1 };
}

function isDetection({ message, ...fields }: LogRecord): boolean {
  return DETECTIONS.includes(message) || (message === "rpc backend health" && fields["to"] === "down");
}

/** From the fault to the next coordinator that is ready, ms. */
async function untilRecovered(bed: FaultBed, struckMs: number): Promise<number> {
  const recoveredMs = () => bed.msUntilLogged(({ message }) => message === "coordinator ready", struckMs);
  await eventually("a coordinator is ready again", () => recoveredMs() !== undefined, RECOVERY_MS);
  return recoveredMs()!;
}
