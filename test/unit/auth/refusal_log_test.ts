import { deepEqual, equal } from "node:assert/strict";
import { RefusalLog, type RefusedClient } from "../../../lib/auth/refusal_log.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { RecordedLog } from "../../fixtures/recorded_log.ts";

function refused(fields: Partial<RefusedClient> = {}): RefusedClient {
  return {
    requestId: "r1",
    method: "GET",
    path: "/v1/models",
    address: "192.168.1.4",
    hasUnknownKey: true,
    status: 401,
    error: new GatewayError("unauthorized", "This API key is not known"),
    ...fields,
  };
}

/** Lets whoever was woken by the clock act. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("of 10,000 wrong keys in 10 s at most one line a second is written, and all are counted", async () => {
  const clock = new FakeClock();
  const log = new RecordedLog();
  {
    using refusals = new RefusalLog({ logger: log.logger, clock });
    for (let at = 0; at < 10_000; at++) {
      refusals.add(refused({ address: `192.168.1.${at % 9}`, hasUnknownKey: at % 10 > 0 }));
      clock.advance(1);
      if (at % 100 === 99) await settled();
    }
  }
  const counts = log.lines.slice(1).map(({ unknownKeyCount, noKeyCount }) =>
    Number(unknownKeyCount) + Number(noKeyCount)
  );
  equal(counts.reduce((sum, count) => sum + count, 1), 10_000);
  equal(log.lines.length <= 11, true, `${log.lines.length} lines`);
  deepEqual(log.lines[1]!["addresses"], [1, 2, 3, 4, 5].map((host) => `192.168.1.${host}`));
});

Deno.test("a single one is told at once and in full, and nothing follows", async () => {
  const clock = new FakeClock();
  const log = new RecordedLog();
  using refusals = new RefusalLog({ logger: log.logger, clock });
  refusals.add(refused({ hasUnknownKey: false }));
  deepEqual(log.said, ["warn client without a right key refused"]);
  const { requestId, path, address, hasUnknownKey, error } = log.lines[0]!;
  deepEqual([requestId, path, address, hasUnknownKey], ["r1", "/v1/models", "192.168.1.4", false]);
  equal(error, "This API key is not known");
  clock.advance(1_000);
  await settled();
  refusals.add(refused({ requestId: "r2" }));
  deepEqual(log.lines.map(({ requestId }) => requestId), ["r1", "r2"]);
});

Deno.test("what is left at the end is told then, and nothing after it", async () => {
  const clock = new FakeClock();
  const log = new RecordedLog();
  const refusals = new RefusalLog({ logger: log.logger, clock });
  for (let at = 0; at < 3; at++) refusals.add(refused({ address: undefined }));
  refusals[Symbol.dispose]();
  clock.advance(10_000);
  await settled();
  deepEqual(log.lines.map(({ unknownKeyCount }) => unknownKeyCount), [undefined, 2]);
});
