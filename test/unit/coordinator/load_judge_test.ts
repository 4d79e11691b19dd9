import { deepEqual, equal } from "node:assert/strict";
import { LoadJudge, type LoadLook, type LoadStall } from "../../../lib/coordinator/load_judge.ts";
import type { BackendConnection } from "../../../lib/coordinator/sent_bytes.ts";
import type { ProcessWork } from "../../../lib/process/process_work.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const ENDPOINTS = ["10.0.0.1:50052", "10.0.0.2:50052", "gpu.home:50053"];
const STALL_MS = 30_000;

function connection(overrides: Partial<BackendConnection> = {}): BackendConnection {
  return {
    inode: 1,
    remote: "10.0.0.1:50052",
    ackedBytes: 1_000,
    receivedBytes: 10,
    waitingBytes: 0,
    ...overrides,
  };
}

const IDLE: ProcessWork = { cpuMs: 100, readBytes: 5_000, majorFaultCount: 2, waitsForDisk: false };

/** A judge that looks each second. */
class JudgeBed {
  readonly clock = new FakeClock(0);
  readonly patience = { stallMs: STALL_MS };
  readonly judge = new LoadJudge({ endpoints: ENDPOINTS, patience: this.patience });

  /** So many looks, a second apart; `lookAt` gets the second. */
  see(seconds: number, lookAt: (second: number) => LoadLook, stepMs = 1_000): LoadStall | undefined {
    for (let second = 0; second < seconds; second++) {
      this.clock.advance(stepMs);
      const stall = this.judge.judge(lookAt(second), this.clock.monotonic());
      if (stall) return stall;
    }
    return undefined;
  }
}

const frozen = (): LoadLook => ({ connections: [connection({ waitingBytes: 9 })], work: IDLE });
const unanswered = (): LoadLook => ({ connections: [connection()], work: IDLE });

for (
  const { name, lookAt } of [
    {
      name: "over a slow network, of which bytes arrive now and then",
      lookAt: (second: number) => ({
        connections: [connection({ ackedBytes: Math.floor(second / 25), waitingBytes: 9 })],
        work: IDLE,
      }),
    },
    {
      name: "of a backend that only answers",
      lookAt: (second: number) => ({ connections: [connection({ receivedBytes: second })], work: IDLE }),
    },
    {
      name: "that sends to one backend while another takes nothing",
      lookAt: (second: number) => ({
        connections: [connection({ waitingBytes: 9 }), connection({ inode: 2, ackedBytes: second })],
        work: IDLE,
      }),
    },
    {
      name: "that reads from a slow disk",
      lookAt: (second: number) => ({ connections: [connection()], work: { ...IDLE, readBytes: second } }),
    },
    {
      name: "that maps a file on a slow disk",
      lookAt: (second: number) => ({
        connections: [connection()],
        work: { ...IDLE, majorFaultCount: second },
      }),
    },
    {
      name: "that waits for a disk that brings nothing",
      lookAt: () => ({ connections: [connection()], work: { ...IDLE, waitsForDisk: true } }),
    },
    {
      name: "that computes, slowly",
      lookAt: (second: number) => ({ connections: [connection()], work: { ...IDLE, cpuMs: 100 * second } }),
    },
    {
      name: "of which nobody tells what the process does",
      lookAt: () => ({ connections: [connection({ waitingBytes: 9 })], work: undefined }),
    },
  ] satisfies { name: string; lookAt: (second: number) => LoadLook }[]
) {
  Deno.test(`LoadJudge leaves alone a load ${name}`, () => {
    equal(new JudgeBed().see(600, lookAt), undefined);
  });
}

Deno.test("LoadJudge finds a load that stands still, and names the backend that takes nothing", () => {
  const bed = new JudgeBed();
  equal(bed.see(30, frozen), undefined);
  deepEqual(bed.see(1, frozen), { stillMs: 30_000, deafEndpoint: ENDPOINTS[0] });
});

Deno.test("LoadJudge waits twice as long for an answer, and then names nobody", () => {
  const bed = new JudgeBed();
  equal(bed.see(60, unanswered), undefined);
  deepEqual(bed.see(1, unanswered), { stillMs: 60_000, deafEndpoint: undefined });
});

Deno.test("LoadJudge does not take the CPU time of those who ask after its health for work", () => {
  const lookAt = (second: number) => ({ ...frozen(), work: { ...IDLE, cpuMs: 10 * second } });
  equal(new JudgeBed().see(31, lookAt)?.stillMs, 30_000);
});

Deno.test("LoadJudge counts from the last byte", () => {
  const bed = new JudgeBed();
  bed.see(29, frozen);
  equal(bed.see(1, () => ({ connections: [connection({ ackedBytes: 1_001 })], work: IDLE })), undefined);
  equal(bed.see(30, frozen), undefined);
  equal(bed.see(1, frozen)?.stillMs, 30_000);
});

Deno.test("LoadJudge hears at once that the operator wants less patience", () => {
  const bed = new JudgeBed();
  equal(bed.see(6, frozen), undefined);
  bed.patience.stallMs = 5_000;
  equal(bed.see(1, frozen)?.stillMs, 6_000);
});

Deno.test("LoadJudge takes a host that was suspended for no standstill of an hour", () => {
  const bed = new JudgeBed();
  bed.see(2, frozen);
  equal(bed.see(1, frozen, 3_600_000), undefined);
  equal(bed.see(23, frozen), undefined);
  equal(bed.see(1, frozen)?.stillMs, 30_000);
});

Deno.test("LoadJudge finds a load without any connection, such as one that is not taken", () => {
  deepEqual(new JudgeBed().see(61, () => ({ connections: [], work: IDLE })), {
    stillMs: 60_000,
    deafEndpoint: undefined,
  });
});

for (
  const { name, remotes, want } of [
    { name: "by its name, if it has the port alone", remotes: ["10.0.0.9:50053"], want: "gpu.home:50053" },
    { name: "once, over two connections", remotes: ["10.0.0.2:50052", "10.0.0.2:50052"], want: ENDPOINTS[1] },
    { name: "not, if two take nothing", remotes: ["10.0.0.1:50052", "10.0.0.2:50052"], want: undefined },
    { name: "not, at an address that is none of them", remotes: ["10.0.0.9:50052"], want: undefined },
  ]
) {
  Deno.test(`LoadJudge names the backend ${name}`, () => {
    const connections = remotes.map((remote, inode) => connection({ inode, remote, waitingBytes: 1 }));
    const stall = new JudgeBed().see(31, () => ({ connections, work: IDLE }));
    deepEqual(stall, { stillMs: 30_000, deafEndpoint: want });
  });
}
