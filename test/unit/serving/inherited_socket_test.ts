import { deepEqual, equal } from "node:assert/strict";
import { takeInheritedSocket } from "../../../lib/serving/inherited_socket.ts";

for (
  const { name, said, want } of [
    { name: "one for us", said: { LISTEN_PID: "7", LISTEN_FDS: "1" }, want: { fd: 3, count: 1 } },
    {
      name: "several",
      said: { LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "a:b" },
      want: { fd: 3, count: 2 },
    },
    { name: "one for our parent", said: { LISTEN_PID: "6", LISTEN_FDS: "1" }, want: undefined },
    { name: "one for whoever reads it", said: { LISTEN_FDS: "1" }, want: undefined },
    { name: "none", said: { LISTEN_PID: "7", LISTEN_FDS: "0" }, want: undefined },
    { name: "nonsense", said: { LISTEN_PID: "7", LISTEN_FDS: "1.5" }, want: undefined },
    { name: "nothing", said: {}, want: undefined },
  ] as { name: string; said: Record<string, string>; want: unknown }[]
) {
  Deno.test(`sockets that systemd hands over: ${name}; children hear nothing of it`, () => {
    const env = new Map(Object.entries({ ...said, OTHER: "x" }));
    deepEqual(takeInheritedSocket(env, 7), want);
    deepEqual([...env.keys()], ["OTHER"]);
  });
}

Deno.test("a socket is taken once", () => {
  const env = new Map([["LISTEN_PID", "7"], ["LISTEN_FDS", "1"]]);
  takeInheritedSocket(env, 7);
  equal(takeInheritedSocket(env, 7), undefined);
});
