import { deepEqual, equal } from "node:assert/strict";
import { ClientWatch } from "../../lib/client_watch.ts";
import { FakeClock } from "../fakes/fake_clock.ts";

const OPEN = "01";
const HALF_CLOSED = "08";

/** A row of the kernel's table: this host's port 11435, and the other side. */
function row(remote: string, state: string): string {
  return `   0: 0100007F:2CAB ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 20 4 30 10 -1`;
}

class Bed {
  readonly clock = new FakeClock();
  tables: string | undefined = "";
  readCount = 0;
  readonly watch = new ClientWatch({
    clock: this.clock,
    readTables: () => {
      this.readCount++;
      return Promise.resolve(this.tables);
    },
  });

  async look(): Promise<void> {
    this.clock.advance(500);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
}

const CLIENT = { hostname: "192.168.1.7", port: 0xc384 };
const CLIENT_ROW = "0701A8C0:C384";

Deno.test("a client that closes its connection while it waits is noticed", async () => {
  const bed = new Bed();
  const client = bed.watch.watch(CLIENT);
  bed.tables = row(CLIENT_ROW, OPEN);
  await bed.look();
  equal(client.signal.aborted, false);
  bed.tables = row(CLIENT_ROW, HALF_CLOSED);
  await bed.look();
  equal(client.signal.aborted, true);
  equal(client.signal.reason.code, "client_closed");
});

Deno.test("one whose connection is gone altogether has to be missing twice", async () => {
  const bed = new Bed();
  const client = bed.watch.watch(CLIENT);
  await bed.look();
  equal(client.signal.aborted, false);
  bed.tables = row(CLIENT_ROW, OPEN);
  await bed.look();
  bed.tables = "";
  await bed.look();
  equal(client.signal.aborted, false);
  await bed.look();
  equal(client.signal.aborted, true);
});

for (
  const { name, hostname, inTable } of [
    { name: "IPv6", hostname: "fd00::7", inTable: "000000FD000000000000000007000000:C384" },
    { name: "loopback IPv6", hostname: "::1", inTable: "00000000000000000000000001000000:C384" },
    {
      name: "IPv4 in IPv6 form",
      hostname: "::ffff:192.168.1.7",
      inTable: "0000000000000000FFFF00000701A8C0:C384",
    },
  ]
) {
  Deno.test(`a client is recognised by its ${name} address`, async () => {
    const bed = new Bed();
    const client = bed.watch.watch({ hostname, port: 0xc384 });
    const other = bed.watch.watch({ hostname, port: 0xc385 });
    bed.tables = `${row(inTable, HALF_CLOSED)}\n${row(inTable.replace("C384", "C385"), OPEN)}`;
    await bed.look();
    deepEqual([client.signal.aborted, other.signal.aborted], [true, false]);
  });
}

Deno.test("nothing is read while nobody waits, nor for those who were answered soon", async () => {
  const bed = new Bed();
  await bed.look();
  bed.watch.watch(CLIENT)[Symbol.dispose]();
  await bed.look();
  equal(bed.readCount, 0);
});

Deno.test("where the kernel has no table, everybody is taken for present", async () => {
  const bed = new Bed();
  bed.tables = undefined;
  const client = bed.watch.watch(CLIENT);
  for (let look = 0; look < 5; look++) await bed.look();
  equal(client.signal.aborted, false);
  equal(bed.readCount, 5);
});

Deno.test("after its end it looks no more, and a client without an address is not looked for", async () => {
  const bed = new Bed();
  const client = bed.watch.watch(undefined);
  bed.watch.watch(CLIENT);
  bed.watch[Symbol.dispose]();
  await bed.look();
  deepEqual([client.signal.aborted, bed.readCount], [false, 0]);
});

Deno.test("one that is missing is looked for again soon", async () => {
  const bed = new Bed();
  const client = bed.watch.watch(CLIENT);
  await bed.look();
  bed.clock.advance(100);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  deepEqual([client.signal.aborted, bed.readCount], [true, 2]);
});

Deno.test("another connection of this host that has the client's port is not the client's", async () => {
  const bed = new Bed();
  bed.watch.servesAt(0x2cab);
  const client = bed.watch.watch(CLIENT);
  bed.tables = `${row(CLIENT_ROW, OPEN).replace(":2CAB", ":1F90")}\n${row(CLIENT_ROW, HALF_CLOSED)}`;
  await bed.look();
  equal(client.signal.aborted, true);
});
