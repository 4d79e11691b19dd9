import { deepEqual, equal, match } from "node:assert/strict";
import type { SocketLook } from "../../../lib/coordinator/backend_sockets.ts";
import { watchConnections } from "../../../lib/coordinator/connection_watch.ts";
import type { Fault } from "../../../lib/coordinator/coordinator_failure.ts";
import type { TcpSocket } from "../../../lib/net/tcp_table.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

function look(state: TcpSocket["state"]): SocketLook {
  const socket = { localAddress: "10.0.0.1", localPort: 40_000, remote: "10.0.0.2:1", state, inode: 1 };
  return { connections: [socket], inodes: new Set([1]) };
}

/** Watches what `lookAt` shows for so long; `"ended"` if the watch is over and found nothing. */
async function watch(
  forMs: number,
  lookAt: (ms: number) => SocketLook | undefined,
  { isIdle = true, endsAtMs = Infinity, endpoints = ["10.0.0.2:1"] } = {},
): Promise<{ found: Fault | "ended" | undefined; atMs: number | undefined }> {
  const clock = new FakeClock(0);
  const end = new AbortController();
  let found: Fault | "ended" | undefined;
  let atMs: number | undefined;
  const watching = watchConnections({
    endpoints,
    look: () => Promise.resolve(lookAt(clock.now())),
    isIdle: () => Promise.resolve(isIdle),
    signal: end.signal,
    clock,
  }).then((fault) => [found, atMs] = [fault ?? "ended", clock.now()]);
  for (let ms = 0; ms <= forMs; ms += 500) {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    if (ms >= endsAtMs) end.abort();
    clock.advance(500);
  }
  const result = { found, atMs };
  end.abort();
  await watching;
  return result;
}

const dies = (ms: number) => look(ms < 4_000 ? "established" : "half closed");

Deno.test("a backend that closes its connection to an idle coordinator is found in time", async () => {
  deepEqual(await watch(10_000, dies), {
    found: { reason: "the rpc backend 10.0.0.2:1 has closed its connection", suspectEndpoint: "10.0.0.2:1" },
    atMs: 4_500,
  });
});

Deno.test("a coordinator that computes gets a second to say it itself", async () => {
  equal((await watch(10_000, dies, { isIdle: false })).atMs, 5_500);
  equal((await watch(10_000, dies, { isIdle: false, endsAtMs: 4_500 })).found, "ended");
});

Deno.test("names that share a port are told together, and none is blamed", async () => {
  const { found } = await watch(10_000, dies, { endpoints: ["gpu1:1", "gpu2:1"] });
  match((found as Fault).reason, /^one of the rpc backends gpu1:1, gpu2:1 has closed its connection$/);
  equal((found as Fault).suspectEndpoint, undefined);
});

for (
  const { name, lookAt, want } of [
    { name: "sound connections", lookAt: () => look("established"), want: undefined },
    { name: "a system that shows no table", lookAt: () => undefined, want: "ended" },
    {
      name: "a coordinator without backends",
      lookAt: () => ({ ...look("established"), inodes: new Set<number>() }),
      want: "ended",
    },
    {
      name: "a table that cannot be read now and then",
      lookAt: (ms: number) => ms % 2_000 < 1_000 ? look("established") : undefined,
      want: undefined,
    },
  ]
) {
  Deno.test(`no loss is seen in ${name}`, async () => equal((await watch(60_000, lookAt)).found, want));
}
