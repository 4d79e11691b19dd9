import { deepEqual, equal, match, throws } from "node:assert/strict";
import {
  backendRegistration,
  parseBandwidth,
  parseMemoryLimit,
} from "../../../lib/rpc/backend_registration.ts";
import { GIB } from "../../../lib/units.ts";

Deno.test("backendRegistration holds only the limits that were said", () => {
  const endpoint = { host: "a", port: 50052 };
  for (
    const { body, limits } of [
      { body: { endpoint: "A" }, limits: {} },
      {
        body: { host: "a", memory: null, exclude: false },
        limits: { memoryLimitBytes: undefined, isExcluded: false },
      },
    ]
  ) {
    deepEqual(backendRegistration.safeParse(body), { success: true, data: { endpoint, limits } });
  }
});

Deno.test("backendRegistration refuses an address where no backend may be, however it is said", () => {
  for (const body of [{ endpoint: "169.254.169.254:80" }, { host: "0xa9fea9fe" }]) {
    const result = backendRegistration.safeParse(body);
    match(result.success ? "" : result.error.issues[0]!.message, /where a cloud hands out its secrets/);
  }
});

Deno.test("parseMemoryLimit() reads sizes, and refuses one without its unit", () => {
  equal(parseMemoryLimit("15GiB"), 15 * GIB);
  equal(parseMemoryLimit("1m"), 1024 ** 2);
  throws(() => parseMemoryLimit("15"), {
    name: "RangeError",
    message: /"15" is less than a MiB; write the unit/,
  });
  throws(() => parseMemoryLimit("-1GiB"), { name: "RangeError", message: /not a size/ });
});

Deno.test("parseBandwidth() reads sizes with and without the second", () => {
  for (const text of ["110MB", "110 MB/s", "110MB/s "]) equal(parseBandwidth(text), 110_000_000);
  throws(() => parseBandwidth("110"), { name: "RangeError", message: /less than a kB per second/ });
  throws(() => parseBandwidth("110MB/h"), { name: "RangeError", message: /not a size/ });
});
