import { deepEqual, match, throws } from "node:assert/strict";
import type { GatewayError } from "../../../lib/errors.ts";
import { readDemand } from "../../../routes/read_demand.ts";

Deno.test("readDemand() reads what is said, and nothing where nothing is", () => {
  const headers = {
    "x-sollol-priority": "10",
    "x-sollol-max-wait": "30s",
    "x-sollol-keep-alive": "-1",
    "x-sollol-route": " gpu1 ",
    "x-sollol-routing": "true",
  };
  deepEqual(readDemand(new Headers(headers)), {
    priority: 10,
    maxWaitMs: 30_000,
    keepAliveMs: Infinity,
    wish: "gpu1",
    tellsRouting: true,
  });
  deepEqual(readDemand(new Headers()), {
    priority: undefined,
    maxWaitMs: undefined,
    keepAliveMs: undefined,
    wish: undefined,
    tellsRouting: false,
  });
});

for (
  const [name, value] of [
    ["x-sollol-priority", "11"],
    ["x-sollol-priority", "-1"],
    ["x-sollol-priority", "1.5"],
    ["x-sollol-priority", ""],
    ["x-sollol-max-wait", "soon"],
    ["x-sollol-max-wait", "0"],
    ["x-sollol-keep-alive", "always"],
    ["x-sollol-route", " "],
    ["x-sollol-route", "x".repeat(501)],
    ["x-sollol-routing", "maybe"],
  ] as const
) {
  Deno.test(`readDemand() refuses ${name}: ${value || "nothing"}, and names it`, () => {
    throws(() => readDemand(new Headers({ [name]: value })), (error: GatewayError) => {
      deepEqual([error.code, error.field], ["invalid_request", name]);
      match(error.message, new RegExp(`^The header ${name} is not right: `));
      return true;
    });
  });
}
