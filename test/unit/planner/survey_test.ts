import { deepEqual, equal } from "node:assert/strict";
import { leftOutNote, noBackend, surveysOf } from "../../../lib/coordinator/survey.ts";
import { parseEndpoint } from "../../../lib/rpc/endpoint.ts";
import type { ProbeResult } from "../../../lib/rpc/probe.ts";
import { parseVersion } from "../../../lib/rpc/protocol.ts";

function up(host: string, version: string, freeBytes: number): ProbeResult {
  const devices = [{ freeBytes, totalBytes: freeBytes }];
  return { ...trouble(host, "up"), version: parseVersion(version), devices };
}

function trouble(host: string, verdict: ProbeResult["verdict"]): ProbeResult {
  const endpoint = parseEndpoint(host);
  return {
    endpoint,
    verdict,
    reason: `${host} is ${verdict}`,
    version: undefined,
    devices: [],
    connectMs: 1,
    answerMs: 1,
  };
}

Deno.test("surveysOf() never mixes protocol versions, and begins with the one that has most memory", () => {
  const surveys = surveysOf([up("a", "8.0.0", 10), up("b", "7.0.0", 15), up("c", "8.0.0", 6)]);
  const hosts = surveys.map(({ usable }) => usable.map(({ endpoint }) => endpoint.host).join());
  deepEqual(hosts, ["a,c", "b"]);
  equal(
    leftOutNote(surveys[0]!),
    ". Left out: b:50052 speaks rpc protocol 7.0.0, the others 8.0.0; install the same llama.cpp build on all",
  );
});

Deno.test("surveysOf() keeps the reason of each backend that is not up", () => {
  const [survey, ...others] = surveysOf([trouble("a", "down"), trouble("b", "held")]);
  deepEqual(survey?.leftOut.map(({ reason }) => reason), ["a is down", "b is held"]);
  deepEqual([survey?.usable, others], [[], []]);
});

for (
  const [verdicts, code] of [
    [["down"], "backend_unreachable"],
    [["down", "held"], "no_capacity"], // what is held may become free: a retry makes sense
  ] as const
) {
  Deno.test(`noBackend() is ${code} where backends are ${verdicts.join(" and ")}`, () => {
    const [survey] = surveysOf(verdicts.map((verdict) => trouble("a", verdict)));
    equal(noBackend("m", survey!).code, code);
  });
}
