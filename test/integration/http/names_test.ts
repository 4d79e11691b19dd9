import { deepEqual, equal, rejects } from "node:assert/strict";
import type { UpstreamAddress } from "../../../lib/http/address.ts";
import { HttpClient, type HttpRequest } from "../../../lib/http/client.ts";
import type { LookUp } from "../../../lib/http/resolve_host.ts";
import { refusedAddress } from "../../../lib/net/refused_address.ts";
import { answering, ok, ScriptedServer } from "../../fakes/scripted_server.ts";

const GET: HttpRequest = { method: "GET", target: "/", fresh: true };

/** A server, and a client that asks it as `node1`, whose addresses are what `lookUp` says. */
function bench(lookUp: LookUp) {
  const server = ScriptedServer.start(answering(ok("hi")));
  const asked: string[] = [];
  const client = new HttpClient({
    names: {
      refuses: refusedAddress,
      lookUp: (name) => {
        asked.push(name);
        return lookUp(name);
      },
    },
  });
  const { port } = server.address as Deno.NetAddr;
  const at = (hostname: string): UpstreamAddress => ({ transport: "tcp", hostname, port });
  const ask = async (request: Partial<HttpRequest> = {}, hostname = "node1") => {
    const { body } = await client.send(at(hostname), { ...GET, ...request });
    return await body.text(100);
  };
  const dispose = async () => {
    client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  };
  return { server, client, asked, port, ask, [Symbol.asyncDispose]: dispose };
}

Deno.test("a name is resolved once for each connection, and connected to where it was judged to lead", async () => {
  await using it = bench(() => Promise.resolve(["127.0.0.1"])); // no resolver of the system knows node1
  equal(await it.ask({ fresh: false }), "hi");
  equal(await it.ask({ fresh: false }), "hi");
  deepEqual([it.asked, it.server.peers.length], [["node1"], 1]);
  equal(await it.ask(), "hi");
  deepEqual([it.asked, it.server.peers.length], [["node1", "node1"], 2]);
});

Deno.test("a name that leads elsewhere from one moment to the next is refused before anything is sent", async () => {
  const answers = [["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"]];
  await using it = bench(() => Promise.resolve(answers.shift()!));
  equal(await it.ask(), "hi");
  await rejects(it.ask(), {
    name: "HttpError",
    phase: "connect",
    kind: "unreachable",
    sent: false,
    answered: false,
    message:
      `Cannot connect to http://node1:${it.port}: its name leads to 169.254.169.254, where a cloud hands ` +
      "out its secrets; check who answers for that name, or write an address of your own network instead",
  });
  equal(await it.ask(), "hi");
  equal(it.server.peers.length, 2);
});

Deno.test("a name whose first address does not answer is reached at the next", async () => {
  await using it = bench(() => Promise.resolve(["::1", "169.254.1.1", "127.0.0.9", "127.0.0.1"]));
  equal(await it.ask(), "hi"); // the server listens at 127.0.0.1 only
});

Deno.test("a name none of whose addresses answers fails as its first address does", async () => {
  await using it = bench(() => Promise.resolve(["::1", "127.0.0.9"]));
  await rejects(it.ask(), { name: "HttpError", phase: "connect", kind: "refused", sent: false });
});

Deno.test("a name that nobody knows says so", async () => {
  await using it = bench(() => Promise.reject(new Error("getaddrinfo ENOTFOUND node1")));
  await rejects(it.ask(), {
    name: "HttpError",
    phase: "resolve",
    kind: "unreachable",
    sent: false,
    message: `Cannot resolve the host of http://node1:${it.port}: getaddrinfo ENOTFOUND node1; ` +
      "check the host's name, the network and the firewall",
  });
});

Deno.test("an address that is written out is not resolved, and not judged", async () => {
  await using it = bench(() => Promise.reject(new Error("is not to be asked")));
  equal(await it.ask({}, "127.0.0.1"), "hi");
  deepEqual(it.asked, []);
});

Deno.test("the system's resolver is asked by default", async () => {
  await using server = ScriptedServer.start(answering(ok("hi")));
  const judged: string[] = [];
  const refuses = (address: string) => void judged.push(address);
  using client = new HttpClient({ names: { refuses } });
  const { port } = server.address as Deno.NetAddr;
  const { body } = await client.send({ transport: "tcp", hostname: "localhost", port }, GET);
  equal(await body.text(100), "hi");
  equal(judged.includes("127.0.0.1"), true);
});

for (
  const { how, stop, want } of [
    {
      how: "its client leaves",
      stop: (abort: AbortController) => abort.abort(new Error("the user left")),
      want: { message: "the user left" },
    },
    {
      how: "the HttpClient is disposed",
      stop: (_: AbortController, client: HttpClient) => client[Symbol.dispose](),
      want: { name: "HttpError", kind: "closed", sent: false },
    },
  ]
) {
  Deno.test(`a request whose name is being looked up ends when ${how}`, async () => {
    const isAsked = Promise.withResolvers<void>();
    await using it = bench(() => {
      isAsked.resolve();
      return new Promise(() => {});
    });
    const abort = new AbortController();
    const ended = rejects(it.ask({ signal: abort.signal }), want);
    await isAsked.promise;
    stop(abort, it.client);
    await ended;
    equal(it.server.peers.length, 0);
  });
}

Deno.test("a resolver that takes longer than a connection may is not waited for", async () => {
  await using it = bench(() => new Promise(() => {}));
  await rejects(it.ask({ connectTimeoutMs: 20 }), { name: "HttpError", kind: "timeout", sent: false });
});
