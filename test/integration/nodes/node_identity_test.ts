import { deepEqual, equal, notEqual, rejects } from "node:assert/strict";
import { createIdentifyNode } from "../../../lib/nodes/node_identity.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const { signal } = new AbortController();
const identify = createIdentifyNode();

async function serverOf(host: string, port: number): Promise<string | undefined> {
  return (await identify(`http://${host}:${port}`, { signal }))?.server;
}

function ownAddresses(): string[] {
  return Deno.networkInterfaces().filter(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  )
    .map(({ address }) => address);
}

for (const listensAt of ["0.0.0.0", "::"]) {
  Deno.test(`names of one Ollama that listens on ${listensAt} lead to one server`, async () => {
    using listener = Deno.listen({ hostname: listensAt, port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const first = await serverOf("127.0.0.1", port);
    for (const host of ["localhost", "127.0.0.9", ...ownAddresses()]) {
      equal(await serverOf(host, port), first);
    }
    if (listensAt === "::") equal(await serverOf("[::1]", port), first);
  });
}

Deno.test("an Ollama that listens on loopback is not that on the network, nor that at another port, path or scheme", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const first = await serverOf("127.0.0.1", port);
  equal(await serverOf("localhost", port), first);
  for (const host of ["127.0.0.2", "[::1]", ...ownAddresses()]) notEqual(await serverOf(host, port), first);
  const others = [`https://127.0.0.1:${port}`, `http://127.0.0.1:${port}/ollama`, "http://127.0.0.1:1"];
  for (const url of others) notEqual((await identify(url, { signal }))?.server, first);
});

Deno.test("what is on this host is known for it, also where nothing listens", async () => {
  const isLocal = async (host: string) => (await identify(`http://${host}:1`, { signal }))?.isLocal;
  for (const host of ["127.0.0.1", "localhost", "[::1]", ...ownAddresses()]) {
    equal(await isLocal(host), true, host);
  }
  for (const host of ["198.51.100.7", "[2001:db8::7]"]) equal(await isLocal(host), false, host);
});

Deno.test("a name is one server with the address that it leads to, the IPv4 one if it has several", async () => {
  const addresses: Record<string, string[]> = {
    "a.lan": ["2001:db8::7", "198.51.100.7"],
    "b.lan": ["198.51.100.7"],
  };
  const byName = createIdentifyNode({ resolve: (name) => Promise.resolve(addresses[name] ?? []) });
  const [a, b] = await Promise.all(["a.lan", "b.lan"].map((name) => byName(`http://${name}:1`, { signal })));
  deepEqual(a, b);
  deepEqual([a?.address, a?.port], ["198.51.100.7", 1]);
  equal(await byName("http://c.lan:1", { signal }), undefined);
});

for (
  const addresses of [["169.254.169.254"], ["192.168.1.1", "fd00:ec2::254"], ["::ffff:169.254.1.1"], [
    "fe80::1",
  ]]
) {
  Deno.test(`a name that leads to ${addresses.at(-1)} is refused`, async () => {
    const byName = createIdentifyNode({ resolve: () => Promise.resolve(addresses) });
    notEqual((await byName("http://evil.lan:1", { signal }))?.refused, undefined);
  });
}

Deno.test("a name that nobody knows leads nowhere, and neither does one whose resolver hangs, after 2 s", async () => {
  equal(await serverOf("nosuch.invalid", 1), undefined);
  const clock = new FakeClock();
  const byName = createIdentifyNode({ clock, resolve: () => new Promise(() => {}) });
  const asked = byName("http://slow.lan:1", { signal });
  clock.advance(2_000);
  equal(await asked, undefined);
});

Deno.test("it ends with its signal", async () => {
  const stop = new AbortController();
  const byName = createIdentifyNode({ resolve: () => new Promise(() => {}) });
  const asked = byName("http://slow.lan:1", { signal: stop.signal });
  stop.abort(new Error("enough"));
  await rejects(asked, /enough/);
});

Deno.test("where the kernel's sockets are never shown, the address alone tells; where they are not at present, nobody", async () => {
  const behind = (error: Error) => createIdentifyNode({ readTable: () => Promise.reject(error) });
  const denied = await behind(new Deno.errors.PermissionDenied())("http://[::1]:1", { signal });
  deepEqual([denied?.address, denied?.isLocal], ["::1", true]);
  await rejects(
    behind(new Error("too many open files"))("http://[::1]:1", { signal }),
    /too many open files/,
  );
});
