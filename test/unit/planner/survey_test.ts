import { deepEqual, equal, match } from "node:assert/strict";
import { leftOutNote, noBackend, surveysOf } from "../../../lib/planner/survey.ts";
import { UNLIMITED } from "../../../lib/rpc/backend.ts";
import { backendView } from "../../fixtures/backend_views.ts";

const usableOf = (surveys: ReturnType<typeof surveysOf>) =>
  surveys.map(({ usable }) => usable.map(({ endpoint }) => endpoint).join());

Deno.test("surveysOf() never mixes protocols, and begins with the one that has most memory", () => {
  const surveys = surveysOf([
    backendView("a:1", { freeBytes: 10 }),
    backendView("b:1", { freeBytes: 15, protocol: "7.0.0" }),
    backendView("c:1", { freeBytes: 6 }),
  ]);
  deepEqual(usableOf(surveys), ["a:1,c:1", "b:1"]);
  equal(
    leftOutNote(surveys[0]!),
    ". Left out: b:1 runs rpc protocol 7.0.0, the others rpc protocol 8.0.0; install the same llama.cpp build on all",
  );
});

Deno.test("surveysOf() never mixes builds that are known; one that nobody told goes with each", () => {
  const surveys = surveysOf([
    backendView("a:1", { freeBytes: 10, build: "b11669" }),
    backendView("b:1", { freeBytes: 15, build: "b11700" }),
    backendView("c:1", { freeBytes: 6 }),
  ]);
  deepEqual(usableOf(surveys), ["b:1,c:1", "a:1,c:1"]);
  equal(
    leftOutNote(surveys[1]!),
    ". Left out: b:1 runs rpc protocol 8.0.0 (b11700), the others rpc protocol 8.0.0 (b11669); " +
      "install the same llama.cpp build on all",
  );
});

Deno.test("surveysOf() keeps the other names of a backend", () => {
  const [survey] = surveysOf([backendView("a:1", { freeBytes: 10, aliases: ["b:1", "c:1"] })]);
  deepEqual(survey?.usable[0]?.aliases, ["b:1", "c:1"]);
});

Deno.test("surveysOf() keeps the reason of each backend that cannot be used", () => {
  const [survey, ...others] = surveysOf([
    backendView("a:1", { health: "down" }),
    backendView("b:1", { health: "held" }),
    backendView("c:1", { health: "unknown", devices: [] }),
    backendView("d:1", { limits: { ...UNLIMITED, isExcluded: true } }),
    backendView("e:1", { devices: [] }),
    backendView("f:1", { isDraining: true, workerName: "shelf" }),
  ]);
  deepEqual(survey?.leftOut.map(({ reason }) => reason), [
    "a:1 is down",
    "b:1 is held",
    "c:1 is unknown",
    "d:1 is excluded by the operator",
    "e:1 has not told of any device yet; try again",
    "f:1 is about to stop with its worker shelf",
  ]);
  deepEqual([survey?.usable, others], [[], []]);
});

Deno.test("surveysOf() counts what our own coordinators hold only where they would be stopped for it", () => {
  const views = [
    backendView("ours:1", { health: "held", holder: "coordinator of m" }),
    backendView("theirs:1", { health: "held" }),
  ];
  deepEqual(usableOf(surveysOf(views)), [""]);
  deepEqual(usableOf(surveysOf(views, { freed: "all" })), ["ours:1"]);
});

for (
  const [healths, code] of [
    [["down"], "backend_unreachable"],
    [["down", "held"], "no_capacity"], // what is held may become free: a retry makes sense
  ] as const
) {
  Deno.test(`noBackend() is ${code} where backends are ${healths.join(" and ")}`, () => {
    const [survey] = surveysOf(healths.map((health) => backendView("a:1", { health })));
    equal(noBackend("m", survey!).code, code);
  });
}

Deno.test("noBackend() says how to get one where the last has left", () => {
  const { code, message } = noBackend("m", { leftOut: [] });
  equal(code, "no_capacity");
  match(message, /^Cannot serve "m": no rpc backend is left; start `sollol worker`/);
});
