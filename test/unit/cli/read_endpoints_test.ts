import { deepEqual, throws } from "node:assert/strict";
import { UsageError } from "../../../lib/cli/command.ts";
import { readEndpoints } from "../../../lib/cli/read_endpoints.ts";
import { formatEndpoint } from "../../../lib/rpc/endpoint.ts";

Deno.test("readEndpoints() reads lists and single ones, each once, in their order", () => {
  const endpoints = readEndpoints("HOST:PORT", ["b:1,a", "A:50052", "b:1 , c:2"]);
  deepEqual(endpoints.map(formatEndpoint), ["b:1", "a:50052", "c:2"]);
  deepEqual(readEndpoints("HOST:PORT", []), []);
});

for (const text of ["a:0", "a:b", "[::1]:50052", "a:1,:2"]) {
  Deno.test(`readEndpoints() refuses "${text}" by the argument's name`, () => {
    throws(
      () => readEndpoints("--rpc", [text]),
      (error) => error instanceof UsageError && error.message.startsWith("--rpc: "),
    );
  });
}
