import { deepEqual, equal, match } from "node:assert/strict";
import {
  type DeathFacts,
  describeDeath,
  describeFailedStart,
  describeSilence,
  describeStalledLoad,
  needsSuspect,
  suspectOf,
} from "../../../lib/coordinator/coordinator_failure.ts";
import type { BackendFinding } from "../../../lib/coordinator/diagnosis.ts";
import { describeExit } from "../../../lib/process/child_exit.ts";
import { MIB } from "../../../lib/units.ts";

const aborted = describeExit({ code: 134, signal: "SIGABRT" });
const lost = { kind: "backend_lost", sentence: "an rpc backend died" } as const;
const refused = {
  kind: "connect_failed",
  endpoint: "a:1",
  sentence: "the rpc backend a:1 cannot be reached",
} as const;
const held: BackendFinding = { endpoint: "b:1", verdict: "held", reason: "b:1 is held" };
const down: BackendFinding = { endpoint: "c:1", verdict: "down", reason: "c:1 is down" };

function facts(overrides: Partial<DeathFacts> = {}): DeathFacts {
  return {
    model: "m",
    exit: aborted,
    cause: lost,
    trouble: [],
    endpoints: ["a:1", "b:1", "c:1"],
    ...overrides,
  };
}

for (
  const { name, given, want } of [
    { name: "the one that the log names", given: facts({ cause: refused, trouble: [down] }), want: "a:1" },
    {
      name: "one that is down rather than one that is held",
      given: facts({ trouble: [held, down] }),
      want: "c:1",
    },
    { name: "one that is held if no other is in trouble", given: facts({ trouble: [held] }), want: "b:1" },
    { name: "the only one there is", given: facts({ endpoints: ["a:1"] }), want: "a:1" },
    { name: "nobody among several without evidence", given: facts(), want: undefined },
    {
      name: "nobody for a fault of the model",
      given: facts({ cause: { kind: "model_truncated", sentence: "" }, endpoints: ["a:1"] }),
      want: undefined,
    },
  ]
) {
  Deno.test(`suspectOf() suspects ${name}`, () => equal(suspectOf(given), want));
}

Deno.test("needsSuspect() asks for a probe only where one could tell more", () => {
  const normal = describeExit({ code: 1, signal: null });
  deepEqual(
    [
      needsSuspect(aborted, lost),
      needsSuspect(aborted, undefined),
      needsSuspect(aborted, refused),
      needsSuspect(normal, undefined),
      needsSuspect(normal, { kind: "model_missing", sentence: "" }),
    ],
    [true, true, false, false, false],
  );
});

Deno.test("describeDeath() tells cause and finding in one sentence", () => {
  const death = describeDeath(facts({ trouble: [down] }), { isWanted: false });
  equal(death.message, 'The coordinator of "m" died: an rpc backend died (c:1 is down)');
  deepEqual([death.kind, death.suspectEndpoint, death.isWanted], ["backend_lost", "c:1", false]);
});

Deno.test("describeDeath() of a process without last words tells how it ended", () => {
  const exit = describeExit({ code: 139, signal: "SIGSEGV" });
  const death = describeDeath(facts({ exit, cause: undefined }), { isWanted: false });
  equal(death.message, `The coordinator of "m" died: llama-server ${exit.sentence}`);
});

Deno.test("describeDeath() suspects nobody when the stop was wanted, though an abort may end it", () => {
  const death = describeDeath(facts({ endpoints: ["a:1"] }), { isWanted: true });
  deepEqual([death.message, death.suspectEndpoint], ['The coordinator of "m" was stopped', undefined]);
});

for (
  const { name, given, want } of [
    { name: "a backend that is down", given: facts({ cause: refused }), want: "backend_unreachable" },
    {
      name: "a backend without room",
      given: facts({ cause: { kind: "out_of_memory", sentence: "" } }),
      want: "insufficient_memory",
    },
    {
      name: "a damaged file",
      given: facts({ cause: { kind: "model_truncated", sentence: "" } }),
      want: "model_unusable",
    },
    {
      name: "a wrong option",
      given: facts({ cause: { kind: "bad_option", sentence: "" } }),
      want: "upstream_failed",
    },
    {
      name: "silence, and a backend in trouble",
      given: facts({ cause: undefined, trouble: [down] }),
      want: "backend_unreachable",
    },
    { name: "silence", given: facts({ cause: undefined }), want: "upstream_failed" },
  ] as const
) {
  Deno.test(`describeFailedStart() after ${name} is ${want}`, () =>
    equal(describeFailedStart(given).code, want));
}

for (
  const { name, trouble, want } of [
    { name: "held backends", trouble: [held], want: "no_capacity" },
    { name: "no trouble found", trouble: [], want: "no_capacity" },
    { name: "a backend that is down", trouble: [held, down], want: "backend_unreachable" },
  ] as const
) {
  Deno.test(`describeSilence() with ${name} is ${want}`, () => {
    equal(describeSilence("m", "5.0 s", trouble).code, want);
  });
}

for (
  const { name, deafEndpoint, trouble, want, suspect } of [
    {
      name: "a deaf backend",
      deafEndpoint: "a:1",
      trouble: [],
      want: /; the rpc backend a:1 takes no more; look/,
      suspect: "a:1",
    },
    {
      name: "one that a probe finds hanging",
      deafEndpoint: undefined,
      trouble: [held],
      want: new RegExp(`; ${RegExp.escape(held.reason)}$`),
      suspect: held.endpoint,
    },
    {
      name: "one that hangs and one that is down",
      deafEndpoint: undefined,
      trouble: [held, down],
      want: new RegExp(`${RegExp.escape(held.reason)}; ${RegExp.escape(down.reason)}$`),
      suspect: down.endpoint,
    },
    {
      name: "backends that all answer",
      deafEndpoint: undefined,
      trouble: [],
      want: /answer a probe; try again$/,
      suspect: undefined,
    },
  ]
) {
  Deno.test(`describeStalledLoad() with ${name} says how far it was, and suspects ${suspect ?? "nobody"}`, () => {
    const facts = { stillMs: 30_000, deafEndpoint, sentBytes: 54 * MIB, totalBytes: 225 * MIB };
    const error = describeStalledLoad("m", facts, trouble);
    match(
      error.message,
      /^Cannot start a coordinator for "m": 54\.0 MiB of 225\.0 MiB had arrived, then nothing for 30/,
    );
    match(error.message, want);
    deepEqual([error.code, error.suspectEndpoint], ["backend_unreachable", suspect]);
  });
}
