import { deepEqual, equal } from "node:assert/strict";
import { Connection } from "../../../lib/http/connection.ts";
import { Deadlines } from "../../../lib/http/deadlines.ts";
import { IdlePool } from "../../../lib/http/idle_pool.ts";
import { ScriptedStream } from "./scripted_stream.ts";

const pool = (maxIdlePerAddress = 2): IdlePool =>
  new IdlePool({ maxIdlePerAddress, idleTimeoutMs: Infinity, deadlines: new Deadlines() });

/** A peer that stays silent until `leave` is called. */
function quiet(address = "http://a:1") {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  const stream = new ScriptedStream([]);
  stream.read = () => promise;
  return { connection: new Connection(stream, address), leave: () => resolve(null) };
}

Deno.test("IdlePool gives the connection that was used last, of that address, once", () => {
  const idle = pool();
  const [first, second, other] = [quiet(), quiet(), quiet("http://b:1")];
  for (const { connection } of [first, second, other]) idle.put(connection, Infinity);
  deepEqual(["http://a:1", "http://a:1", "http://a:1", "http://b:1"].map((address) => idle.take(address)), [
    second.connection,
    first.connection,
    undefined,
    other.connection,
  ]);
  equal(first.connection.isReused, true);
});

Deno.test("IdlePool closes what it does not keep", () => {
  const idle = pool(1);
  const [kept, tooMany, notReusable] = [quiet(), quiet(), quiet("http://b:1")];
  idle.put(kept.connection, Infinity);
  idle.put(tooMany.connection, Infinity);
  idle.put(notReusable.connection, 0);
  deepEqual([kept, tooMany, notReusable].map(({ connection }) => connection.isClosed), [false, true, true]);
  idle[Symbol.dispose]();
  equal(kept.connection.isClosed, true);
  equal(idle.take("http://a:1"), undefined);
});

Deno.test("IdlePool forgets and closes a connection whose peer leaves", async () => {
  const idle = pool(1);
  const { connection, leave } = quiet();
  idle.put(connection, Infinity);
  leave();
  await Promise.resolve().then(() => {});
  deepEqual([connection.isClosed, idle.take("http://a:1")], [true, undefined]);
  idle.put(quiet().connection, Infinity);
  equal(idle.take("http://a:1")?.isClosed, false, "its place is free again");
});

Deno.test("IdlePool leaves a connection that was taken to its taker, also when the peer leaves", async () => {
  const idle = pool();
  const { connection, leave } = quiet();
  idle.put(connection, Infinity);
  const taken = idle.take("http://a:1");
  leave();
  equal(await taken?.fill(), false, "the read that was pending tells of the close");
  equal(connection.isClosed, false);
});

Deno.test("IdlePool forgets an address with its last connection: each start of a coordinator has a new one", async () => {
  const idle = pool();
  const [taken, left, refused] = [quiet("unix:/1"), quiet("unix:/2"), quiet("unix:/3")];
  for (const { connection } of [taken, left]) idle.put(connection, Infinity);
  idle.put(refused.connection, 0);
  equal(idle.addressCount, 2);
  idle.take("unix:/1");
  left.leave();
  await Promise.resolve().then(() => {});
  equal(idle.addressCount, 0);
});
