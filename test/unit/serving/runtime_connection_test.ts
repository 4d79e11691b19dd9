import { equal, ok } from "node:assert/strict";
import { findServeConnection } from "../../../lib/serving/runtime_connection.ts";

Deno.test("this runtime speaks HTTP on single connections: limits of connections hold", () => {
  ok(
    findServeConnection(),
    "Deno[Deno.internal].serveHttpOnConnection is gone; see lib/serving/runtime_connection.ts",
  );
});

for (
  const runtime of [
    {},
    { internal: "x" },
    { internal: Symbol() },
    withInternals({}),
    withInternals({ serveHttpOnConnection: 1 }),
  ]
) {
  Deno.test(`a runtime without is noticed: ${Deno.inspect(runtime)}`, () =>
    equal(findServeConnection(runtime), undefined));
}

function withInternals(internals: object): object {
  const internal = Symbol("internal");
  return { internal, [internal]: internals };
}
