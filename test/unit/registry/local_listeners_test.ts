import { deepEqual, equal } from "node:assert/strict";
import { findListener, ListenerTable, parseListeners } from "../../../lib/registry/local_listeners.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const TABLE =
  `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:C384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1605 1 0000000021 100 0 0 10 0
   1: 00000000:C385 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1606 1 0000000022 100 0 0 10 0
   2: 0200007F:C385 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1607 1 0000000023 100 0 0 10 0
   3: 0300007F:C386 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 1608 1 0000000024 100 0 0 10 0
`;

Deno.test("parseListeners() reads addresses and ports of what listens, and nothing else", () => {
  deepEqual(parseListeners(TABLE), [
    { address: "127.0.0.1", port: 50052 },
    { address: "0.0.0.0", port: 50053 },
    { address: "127.0.0.2", port: 50053 },
  ]);
  deepEqual(parseListeners(""), []);
  deepEqual(parseListeners("not a table\n0: zz:zz"), []);
});

Deno.test("findListener() prefers the listener of that very address, as the kernel does", () => {
  const listeners = parseListeners(TABLE);
  equal(findListener(listeners, "127.0.0.2", 50053)?.address, "127.0.0.2");
  equal(findListener(listeners, "192.168.1.20", 50053)?.address, "0.0.0.0");
  equal(findListener(listeners, "127.0.0.2", 50052), undefined);
  equal(findListener(listeners, "127.0.0.3", 50054), undefined);
});

for (const fault of [new Deno.errors.PermissionDenied(), new Error("too many open files (os error 24)")]) {
  Deno.test(`a table that cannot be read (${fault.name}) shows what it showed before`, async () => {
    const clock = new FakeClock();
    let isReadable = false;
    const table = new ListenerTable(
      clock,
      () => isReadable ? Promise.resolve(TABLE) : Promise.reject(fault),
    );
    equal(await table.find("127.0.0.1", 50052), undefined);
    isReadable = true;
    equal((await table.find("127.0.0.1", 50052))?.address, "127.0.0.1");
    isReadable = false;
    clock.advance(60_000);
    equal((await table.find("127.0.0.1", 50052))?.address, "127.0.0.1");
  });
}
