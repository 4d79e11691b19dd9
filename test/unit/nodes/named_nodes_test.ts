import { deepEqual, equal } from "node:assert/strict";
import { Secrets } from "../../../lib/config/secrets.ts";
import { type NamedNode, settleNodes } from "../../../lib/nodes/named_nodes.ts";

const at = (host: string, port = 11_434) => `http://${host}:${port}`;
const config = (url: string, rest: Partial<NamedNode> = {}): NamedNode => ({
  url,
  source: "config",
  ...rest,
});
const admin = (url: string, rest: Partial<NamedNode> = {}): NamedNode => ({ url, source: "admin", ...rest });

function settle(named: readonly NamedNode[], servers: Record<string, string> = {}) {
  return settleNodes(named, {
    serverOf: (url) => servers[url] ?? url,
    isLocal: (url) => url.includes("127.0.0.1"),
    slotCount: 4,
  });
}

Deno.test("a node of which only the URL is said has the usual rest", () => {
  deepEqual(settle([config(at("shelf"))]), [{
    name: "shelf",
    url: at("shelf"),
    slotCount: 4,
    weight: 1,
    tags: [],
    allowedModels: [],
    memoryBytes: undefined,
    apiKey: undefined,
    wake: undefined,
    isLocal: false,
    sources: ["config"],
    aliases: [],
  }]);
});

Deno.test("URLs that lead to one Ollama are one node: the first gives its name, the others are aliases", () => {
  const lan = at("192.168.1.10");
  const loopback = at("127.0.0.1");
  const named = [config(lan), config(at("other")), admin(at("gpu.lan")), {
    url: loopback,
    source: "local" as const,
  }];
  const nodes = settle(named, { [lan]: "s", [loopback]: "s", [at("gpu.lan")]: "s" });
  deepEqual(nodes.map(({ name, url, aliases, sources }) => ({ name, url, aliases, sources })), [
    {
      name: "192.168.1.10",
      url: lan,
      aliases: [at("gpu.lan"), loopback],
      sources: ["config", "admin", "local"],
    },
    { name: "other", url: at("other"), aliases: [], sources: ["config"] },
  ]);
});

Deno.test("what an operator says at run time counts more than the configuration, and leaves the rest", () => {
  const apiKey = new Secrets(["hush"]);
  const wake = { mac: "aa:bb:cc:dd:ee:ff", broadcast: "255.255.255.255", port: 9 };
  const [node, ...others] = settle([
    config(at("a"), { slotCount: 2, weight: 3, tags: ["gpu"], models: ["x*"], memoryBytes: 5, apiKey, wake }),
    admin(at("a"), { slotCount: 8, tags: [], models: ["y*"] }),
  ]);
  deepEqual(others, []);
  deepEqual({ ...node, apiKey: node!.apiKey?.reveal() }, {
    name: "a",
    url: at("a"),
    slotCount: 8,
    weight: 3,
    tags: [],
    allowedModels: ["y*"],
    memoryBytes: 5,
    apiKey: ["hush"],
    wake,
    isLocal: false,
    sources: ["config", "admin"],
    aliases: [],
  });
});

Deno.test("of two entries of the configuration for one node, the second says what the first does not", () => {
  const [node] = settle([config(at("a")), config(at("b"), { weight: 2, tags: ["gpu"] })], {
    [at("b")]: at("a"),
  });
  deepEqual([node?.weight, node?.tags], [2, ["gpu"]]);
});

Deno.test("a key is shown only at the URL that it was said with", () => {
  const [node] = settle([config(at("a")), config(at("b"), { apiKey: new Secrets(["hush"]) })], {
    [at("b")]: at("a"),
  });
  equal(node?.apiKey, undefined);
});

for (
  const { name, named, servers, want } of [
    { name: "the host", named: [config(at("192.168.1.10"))], want: ["192.168.1.10"] },
    { name: "host and port, where that is not Ollama's", named: [config(at("a", 80))], want: ["a:80"] },
    { name: "an IPv6 host in brackets", named: [config(at("[fd00::1]"))], want: ["[fd00::1]"] },
    { name: "a chosen name", named: [config(at("a"), { name: "gpu" })], want: ["gpu"] },
    {
      name: "a name that is chosen for another naming of it",
      named: [config(at("a")), admin(at("a"), { name: "gpu" })],
      want: ["gpu"],
    },
    {
      name: "host and port, where another has chosen the host's name",
      named: [config(at("a")), config(at("b"), { name: "a" })],
      want: ["a:11434", "a"],
    },
    {
      name: "its URL's rest, where two are at one place",
      named: [config("https://a:443/x"), config("https://a:443/y")],
      want: ["a:443", "a:443/y"],
    },
    {
      name: "a number behind it, where nothing else tells them apart",
      named: [config("http://a:443"), config("https://a:443"), config("https://a:443/")],
      want: ["a:443", "a:443#2", "a:443/"],
    },
    {
      name: "host and port, where the host's name has a meaning",
      named: [config(at("node"))],
      want: ["node:11434"],
    },
    {
      name: "the host, where the chosen name is taken",
      named: [config(at("a"), { name: "gpu" }), admin(at("b"), { name: "gpu" })],
      want: ["gpu", "b"],
    },
    {
      name: "the chosen name, also where two of one host are named by the same address",
      named: [config(at("a"), { name: "x" }), config(at("a", 1), { name: "y" })],
      want: ["x", "y"],
    },
  ] as { name: string; named: NamedNode[]; servers?: Record<string, string>; want: string[] }[]
) {
  Deno.test(`a node is called ${name}`, () => {
    deepEqual(settle(named, servers).map((node) => node.name), want);
  });
}

Deno.test("a thousand nodes at one address have a thousand names", () => {
  const named = Array.from(
    { length: 1_000 },
    (_, index) => config(`https://a:443/${index % 10}`, { source: "admin" }),
  );
  let count = 0;
  const nodes = settleNodes(named, { serverOf: () => String(count++), isLocal: () => false, slotCount: 1 });
  equal(new Set(nodes.map(({ name }) => name)).size, 1_000);
});
