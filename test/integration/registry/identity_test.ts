import { deepEqual, equal, notEqual, rejects } from "node:assert/strict";
import { createIdentify } from "../../../lib/registry/identity.ts";
import { readAvailableMemory } from "../../../lib/registry/host_memory.ts";

const { signal } = new AbortController();
const identify = createIdentify();

function listen(hostname: string, port = 0): Deno.TcpListener {
  return Deno.listen({ hostname, port });
}

async function serverOf(host: string, port: number): Promise<string | undefined> {
  return (await identify({ host, port }, { signal }))?.server;
}

Deno.test("names of one listener on all addresses have one identity", async () => {
  using listener = listen("0.0.0.0");
  const { port } = listener.addr;
  const first = await serverOf("127.0.0.1", port);
  for (const host of ["localhost", "127.0.0.9", ...ownAddresses()]) equal(await serverOf(host, port), first);
});

Deno.test("two loopback addresses with a listener each have two", async () => {
  using first = listen("127.0.0.2");
  using _second = listen("127.0.0.3", first.addr.port);
  notEqual(await serverOf("127.0.0.2", first.addr.port), await serverOf("127.0.0.3", first.addr.port));
});

Deno.test("a name that is asked for while the kernel's table is read sees what listens by then", async () => {
  const asked: Promise<boolean | undefined>[] = [];
  using stack = new DisposableStack();
  for (let at = 0; at < 20; at++) {
    const listener = stack.use(listen("127.0.0.1"));
    const endpoint = { host: "127.0.0.1", port: listener.addr.port };
    asked.push(identify(endpoint, { signal }).then((identity) => identity?.isSeen));
    await Promise.resolve();
  }
  deepEqual(new Set(await Promise.all(asked)), new Set([true]));
});

Deno.test("an address of another host is its own, and has its own host", async () => {
  const identity = await identify({ host: "192.0.2.7", port: 50052 }, { signal });
  deepEqual(identity, { server: "192.0.2.7:50052", host: "192.0.2.7", isLocal: false, isSeen: true });
});

Deno.test("a name without an IPv4 address has no identity", async () => {
  equal(await identify({ host: "nosuch.invalid", port: 50052 }, { signal }), undefined);
});

Deno.test({
  name: "identify() ends with its signal",
  sanitizeOps: false, // the resolver cannot be interrupted
  async fn() {
    const abort = new AbortController();
    const asked = identify({ host: "slow.invalid", port: 50052 }, { signal: abort.signal });
    abort.abort(new Error("enough"));
    await rejects(asked, /enough/);
  },
});

Deno.test("this host says how much memory it has left", async () => {
  const bytes = await readAvailableMemory();
  equal(Number.isSafeInteger(bytes) && bytes! > 1024 ** 2, true, `${bytes} bytes`);
});

function ownAddresses(): string[] {
  return Deno.networkInterfaces().filter(({ family }) => family === "IPv4").map(({ address }) => address);
}
