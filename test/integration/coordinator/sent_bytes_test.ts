import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { readBackendConnections } from "../../../lib/coordinator/sent_bytes.ts";

const BYTES = 100_000;

/** A connection over which so many bytes came. */
async function withConnection(test: (ports: Set<number>) => Promise<void>): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  using client = await Deno.connect({ hostname: "127.0.0.1", port });
  using server = await listener.accept();
  let read = 0;
  const reading = (async () => {
    const buffer = new Uint8Array(BYTES);
    while (read < BYTES) read += await server.read(buffer) ?? BYTES;
  })();
  for (let rest = new Uint8Array(BYTES); rest.length > 0;) rest = rest.subarray(await client.write(rest));
  await reading;
  await test(new Set([port]));
}

const hasSs = await new Deno.Command("ss", { args: ["-V"], stdout: "null" }).output().then(
  () => true,
  () => false,
);

Deno.test({
  name: `readBackendConnections() counts what a process has brought to a port${
    hasSs ? "" : " (skipped: no ss here)"
  }`,
  ignore: !hasSs,
  fn: () =>
    withConnection(async (ports) => {
      const { signal } = new AbortController();
      const [connection, ...others] = await readBackendConnections(Deno.pid, ports, signal) ?? [];
      ok(connection && others.length === 0);
      const { remote, ackedBytes, waitingBytes } = connection;
      equal(remote, `127.0.0.1:${[...ports][0]}`);
      equal(ackedBytes + waitingBytes, BYTES + 1); // the SYN counts; an acknowledgement may be on its way
      deepEqual(await readBackendConnections(Deno.pid, new Set([9]), signal), []);
      deepEqual(await readBackendConnections(2 ** 22 + 1, ports, signal), []);
    }),
});

Deno.test("readBackendConnections() knows nothing where there is no ss", () =>
  withConnection(async (ports) => {
    const path = Deno.env.get("PATH")!;
    Deno.env.set("PATH", "/nonexistent");
    try {
      equal(await readBackendConnections(Deno.pid, ports, new AbortController().signal), undefined);
    } finally {
      Deno.env.set("PATH", path);
    }
  }));

Deno.test("readBackendConnections() rejects with the reason of its signal", async () => {
  const reason = new Error("the load is over");
  await rejects(
    readBackendConnections(Deno.pid, new Set([9]), AbortSignal.abort(reason)),
    (error) => error === reason,
  );
});
