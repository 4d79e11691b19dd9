import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { mergeConfig } from "../../lib/config/merge.ts";
import { parseConfigFile } from "../../lib/config/yaml_file.ts";
import { NodeSources } from "../../lib/node_sources.ts";
import type { NodeIdentity } from "../../lib/nodes/node_identity.ts";
import { parseNodeUrl } from "../../lib/nodes/node_url.ts";
import { Database } from "../../lib/store/database.ts";
import { migrate } from "../../lib/store/migrations.ts";
import { NodeStore } from "../../lib/store/node_store.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeNodeHttp } from "../fakes/fake_node_http.ts";
import { FakeNodeRegistry } from "../fakes/fake_node_registry.ts";
import { RecordedLog } from "../fixtures/recorded_log.ts";

const PORT = 11_434;
const at = (host: string, port = PORT) => `http://${host}:${port}`;
const turn = () => new Promise((resolve) => setImmediate(resolve));

function configOf(text: string) {
  return mergeConfig({ file: parseConfigFile(text, "/c") }).config;
}

/** Sources over a registry, a resolver, a disk and a network that are not there. */
class SourcesBed implements AsyncDisposable {
  readonly registry = new FakeNodeRegistry();
  readonly http = new FakeNodeHttp();
  readonly clock = new FakeClock();
  readonly log = new RecordedLog();
  /** Where names lead: an address, or nowhere. */
  readonly addresses = new Map<string, string | undefined>();
  /** Names whose lookup does not end. */
  readonly hanging = new Set<string>();
  /** Names, and addresses, of which this host cannot tell at present where they lead. */
  readonly faulty = new Set<string>();
  readonly #connection = new DatabaseSync(":memory:");
  readonly store: NodeStore;
  readonly sources: NodeSources;

  constructor(
    config = "nodes: {local: false}",
    { ollamaHost, registered = [], isDiskFull = false }: {
      ollamaHost?: string;
      registered?: readonly string[];
      isDiskFull?: boolean;
    } = {},
  ) {
    migrate(this.#connection);
    const path = isDiskFull ? undefined : "state";
    this.store = new NodeStore(new Database(this.#connection, { logger: this.log.logger, path }), this.log);
    registered.forEach((url, addedAtMs) => this.store.put({ url: parseNodeUrl(url), addedAtMs }));
    this.http.set(PORT, { as: "refused" });
    this.sources = new NodeSources({
      registry: this.registry,
      store: this.store,
      config: configOf(config),
      ollamaHost,
      http: this.http,
      logger: this.log.logger,
      identify: (url, { signal }) => this.#identify(url, signal),
      clock: this.clock,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sources[Symbol.asyncDispose]();
    this.#connection.close();
  }

  /** As the configuration is reloaded. */
  async configure(text: string): Promise<void> {
    this.sources.configure(configOf(text));
    await turn();
  }

  /** Lets time pass until all is looked up again. */
  async lookAgain(): Promise<void> {
    this.clock.advance(30_000);
    await turn();
  }

  /** `name url aliases sources` of each node that the registry has. */
  get nodes(): string[] {
    return (this.registry.applied.at(-1) ?? []).map(({ name, url, aliases, sources }) =>
      [name, url, ...aliases, sources.join("+")].join(" ")
    );
  }

  async #identify(url: string, signal: AbortSignal): Promise<NodeIdentity | undefined> {
    const { hostname, port } = new URL(url);
    if (this.hanging.has(hostname)) {
      await new Promise((_, reject) => signal.addEventListener("abort", reject));
    }
    if (this.faulty.has(hostname)) throw new Error("too many open files");
    const address = this.addresses.has(hostname) ? this.addresses.get(hostname) : hostname;
    if (address === undefined) return undefined;
    const isLocal = address.startsWith("127.");
    const refused = address.startsWith("169.254.") ? `${address}, a link-local address` : undefined;
    return { server: `${address}:${port}`, address, port: Number(port || 80), isLocal, refused };
  }
}

Deno.test("nodes come from the configuration, from operators, and from this host, each Ollama once", async () => {
  await using bed = new SourcesBed("ollama_nodes: [10.0.0.1, gpu.lan, {url: 10.0.0.3, name: big}]", {
    registered: ["10.0.0.4", "10.0.0.1"],
    ollamaHost: "10.9.9.9",
  });
  bed.addresses.set("gpu.lan", "127.0.0.1");
  bed.http.set(PORT, {});
  await bed.sources.start();
  deepEqual(bed.nodes, [
    `10.0.0.1 ${at("10.0.0.1")} config+admin`,
    `gpu.lan ${at("gpu.lan")} config`,
    `big ${at("10.0.0.3")} config`,
    `10.0.0.4 ${at("10.0.0.4")} admin`,
  ]);
  deepEqual(bed.log.said, []);
});

Deno.test("one node by two addresses counts once, and is called as it was named first", async () => {
  await using bed = new SourcesBed(
    "nodes: {local: false}\nollama_nodes: [gpu.lan, 10.0.0.1, localhost, 127.0.0.1]",
  );
  bed.addresses.set("gpu.lan", "10.0.0.1").set("localhost", "127.0.0.1");
  await bed.sources.start();
  deepEqual(bed.nodes, [
    `gpu.lan ${at("gpu.lan")} ${at("10.0.0.1")} config`,
    `localhost ${at("localhost")} ${at("127.0.0.1")} config`,
  ]);
  deepEqual(bed.registry.applied.at(-1)!.map(({ isLocal }) => isLocal), [false, true]);
});

for (
  const { name, config, ollamaHost, want } of [
    {
      name: "names a node where the configuration names none",
      config: "",
      ollamaHost: "10.0.0.9",
      want: [at("10.0.0.9")],
    },
    {
      name: "does not count where it names some",
      config: "ollama_nodes: [a]",
      ollamaHost: "10.0.0.9",
      want: [at("a")],
    },
    {
      name: "may be where a server listens",
      config: "",
      ollamaHost: "0.0.0.0:7",
      want: [at("127.0.0.1", 7)],
    },
    { name: "may be empty", config: "", ollamaHost: " ", want: [] },
    { name: "may be this gateway, which is no node", config: "", ollamaHost: "127.0.0.1:11435", want: [] },
  ]
) {
  Deno.test(`OLLAMA_HOST ${name}`, async () => {
    await using bed = new SourcesBed(`nodes: {local: false}\n${config}`, { ollamaHost });
    await bed.sources.start();
    deepEqual(bed.registry.applied.at(-1)?.map(({ url }) => url) ?? [], want);
    deepEqual([bed.sources.listNodes().length, bed.log.said], [want.length, []]);
  });
}

Deno.test("an OLLAMA_HOST that names no node is told, and hinders nothing", async () => {
  await using bed = new SourcesBed("", { ollamaHost: "http://ada:hunter2@x" });
  await bed.sources.start();
  deepEqual(bed.log.said, ["warn OLLAMA_HOST names no node"]);
  equal(JSON.stringify(bed.log.lines).includes("hunter2"), false);
});

Deno.test("an Ollama on this host is found when it comes, and stays; before that nobody hears of it", async () => {
  await using bed = new SourcesBed("");
  await bed.sources.start();
  await bed.lookAgain();
  deepEqual([bed.registry.applied, bed.sources.listNodes(), bed.log.said], [[], [], []]);
  bed.http.set(PORT, {});
  await bed.lookAgain();
  deepEqual(bed.nodes, [`127.0.0.1 ${at("127.0.0.1")} local`]);
  bed.http.set(PORT, { as: "refused" });
  const askedCount = bed.http.asked.length;
  await bed.lookAgain();
  deepEqual([bed.nodes.length, bed.http.asked.length], [1, askedCount]);
});

Deno.test("an Ollama that was found on this host is let go when it has been down for 5 minutes, and found anew", async () => {
  await using bed = new SourcesBed("");
  bed.http.set(PORT, {});
  await bed.sources.start();
  bed.http.set(PORT, { as: "refused" });
  bed.registry.become("127.0.0.1", "down");
  for (let look = 0; look < 10; look++) await bed.lookAgain();
  equal(bed.nodes.length, 1, "an Ollama that starts again takes less than that");
  bed.registry.become("127.0.0.1", "up");
  await bed.lookAgain();
  bed.registry.become("127.0.0.1", "down");
  for (let look = 0; look < 10; look++) await bed.lookAgain();
  equal(bed.nodes.length, 1, "it was up meanwhile");
  await bed.lookAgain();
  deepEqual([bed.nodes, bed.sources.listNodes()], [[], []]);
  bed.http.set(PORT, {});
  await bed.lookAgain();
  equal(bed.nodes.length, 1);
});

Deno.test("a URL of which nobody can tell where it leads takes no other node away, and is looked up again", async () => {
  await using bed = new SourcesBed("nodes: {local: false}\nollama_nodes: [10.0.0.1, gpu.lan, 10.0.0.2]");
  bed.addresses.set("gpu.lan", "10.0.0.2");
  bed.faulty.add("gpu.lan");
  await bed.sources.start();
  deepEqual(bed.registry.names, ["10.0.0.1", "gpu.lan", "10.0.0.2"]);
  await bed.lookAgain();
  deepEqual(bed.log.said, ["warn cannot find out where an ollama node is"], "told once");
  bed.faulty.clear();
  await bed.lookAgain();
  deepEqual(bed.registry.names, ["10.0.0.1", "gpu.lan"]);
  bed.faulty.add("gpu.lan");
  await bed.lookAgain();
  deepEqual(bed.registry.names, ["10.0.0.1", "gpu.lan"], "what was known counts");
  equal(bed.log.said.length, 2);
});

Deno.test("what an operator adds is taken, also while nobody can tell where it leads", async () => {
  await using bed = new SourcesBed();
  bed.faulty.add("10.0.0.1");
  equal((await bed.sources.addNode({ url: at("10.0.0.1") })).health, "up");
});

Deno.test("a look that fails is no end of looking", async () => {
  await using bed = new SourcesBed("nodes: {local: false}\nollama_nodes: [gpu.lan]");
  bed.addresses.set("gpu.lan", "10.0.0.1");
  await bed.sources.start();
  bed.registry.applyFault = new TypeError("a bug");
  bed.addresses.set("gpu.lan", "127.0.0.1");
  await bed.lookAgain();
  deepEqual(bed.log.said, ["error looking for ollama nodes failed"]);
  bed.registry.applyFault = undefined;
  bed.addresses.set("gpu.lan", "10.0.0.1");
  await bed.lookAgain();
  bed.addresses.set("gpu.lan", "127.0.0.1");
  await bed.lookAgain();
  equal(bed.registry.applied.at(-1)![0]!.isLocal, true);
});

for (
  const { name, behaviour } of [
    {
      name: "a sollol gateway",
      behaviour: { version: { text: "{}", headers: [["x-sollol-request-id", "r"]] } },
    },
    { name: "a web page", behaviour: { version: { text: "<html>" } } },
    { name: "an error", behaviour: { version: { status: 500 } } },
    { name: "a redirect", behaviour: { version: { status: 302, headers: [["location", "http://evil"]] } } },
    { name: "no list of models", behaviour: { tags: { text: "[]" } } },
  ] as { name: string; behaviour: Parameters<FakeNodeHttp["set"]>[1] }[]
) {
  Deno.test(`on this host, ${name} is no Ollama`, async () => {
    await using bed = new SourcesBed("");
    bed.http.set(PORT, behaviour);
    await bed.sources.start();
    deepEqual([bed.registry.applied, bed.log.said], [[], []]);
  });
}

Deno.test("this host is not searched if the configuration says so, names its Ollama, or the gateway has its port", async () => {
  for (const config of ["nodes: {local: false}", "ollama_nodes: [127.0.0.1]", "listen: 11434"]) {
    await using bed = new SourcesBed(config);
    bed.http.set(PORT, {});
    await bed.sources.start();
    deepEqual(bed.http.asked, [], config);
  }
});

Deno.test("an Ollama that was found on this host goes when the configuration does not want it, and is not found again", async () => {
  await using bed = new SourcesBed("");
  bed.http.set(PORT, {});
  await bed.sources.start();
  await bed.configure("nodes: {local: false}");
  deepEqual(bed.nodes, []);
  await bed.configure("");
  deepEqual(bed.nodes.length, 1);
});

Deno.test("where requests are not distributed, only nodes of this host are used, and the others say why", async () => {
  const nodes = "nodes: {local: false}\nollama_nodes: [10.0.0.1, 127.0.0.1]";
  await using bed = new SourcesBed(`task_distribution_enabled: false\n${nodes}`);
  await bed.sources.start();
  deepEqual(bed.registry.names, ["127.0.0.1"]);
  const [, other] = bed.sources.listNodes();
  deepEqual([other?.name, other?.health], ["10.0.0.1", "unknown"]);
  match(other!.reason, /task_distribution_enabled is off/);
  await rejects(bed.sources.addNode({ url: at("10.0.0.2") }), { code: "conflict" });
  await bed.configure(nodes);
  deepEqual([bed.registry.names, bed.log.said], [["10.0.0.1", "127.0.0.1"], []]);
});

Deno.test("a name that leads to a metadata service is no node, and the log says so once", async () => {
  await using bed = new SourcesBed("nodes: {local: false}\nollama_nodes: [evil.lan, 10.0.0.1]");
  bed.addresses.set("evil.lan", "169.254.169.254");
  await bed.sources.start();
  await bed.lookAgain();
  deepEqual(bed.registry.names, ["10.0.0.1"]);
  const [, refused] = bed.sources.listNodes();
  deepEqual([refused?.name, refused?.health, refused?.url], ["evil.lan", "down", at("evil.lan")]);
  match(
    refused!.reason,
    /its name leads to 169\.254\.169\.254, a link-local address; name an address of your own/,
  );
  deepEqual(bed.log.said, ["warn ollama node refused"]);
  await rejects(bed.sources.addNode({ url: at("evil.lan", 1) }), {
    code: "invalid_request",
    message: /Cannot use http:\/\/evil\.lan:1 as an Ollama node: its name leads to/,
  });
  equal(bed.store.list().length, 0);
});

Deno.test("a name that comes to lead elsewhere is followed, and one that has no address keeps its node", async () => {
  await using bed = new SourcesBed("nodes: {local: false}\nollama_nodes: [gpu.lan, 10.0.0.1]");
  bed.addresses.set("gpu.lan", undefined);
  await bed.sources.start();
  deepEqual(bed.registry.names, ["gpu.lan", "10.0.0.1"]);
  bed.addresses.set("gpu.lan", "10.0.0.1");
  await bed.lookAgain();
  deepEqual(bed.nodes, [`gpu.lan ${at("gpu.lan")} ${at("10.0.0.1")} config`]);
  const appliedCount = bed.registry.applied.length;
  bed.addresses.set("gpu.lan", undefined);
  await bed.lookAgain();
  equal(bed.registry.applied.length, appliedCount, "nothing changed, so nobody is told");
});

Deno.test("a start waits for names 2.5 s at most", async () => {
  await using bed = new SourcesBed("nodes: {local: false}\nollama_nodes: [slow.lan, 10.0.0.1]");
  bed.hanging.add("slow.lan");
  const started = bed.sources.start();
  bed.clock.advance(2_500);
  await started;
  deepEqual(bed.registry.applied, []);
});

Deno.test("what an operator adds is kept over a restart, with all that was said, and waits for its first verdict", async () => {
  await using bed = new SourcesBed();
  await bed.sources.start();
  const view = await bed.sources.addNode({ url: at("10.0.0.1"), name: "gpu", slotCount: 2, tags: ["big"] });
  deepEqual([view.name, view.health, view.slotCount, view.tags, view.sources], ["gpu", "up", 2, ["big"], [
    "admin",
  ]]);
  deepEqual(bed.registry.asked, ["gpu"]);
  deepEqual(bed.store.list(), [
    { url: at("10.0.0.1"), name: "gpu", slotCount: 2, tags: ["big"], addedAtMs: 1_000_000 },
  ]);
});

Deno.test("what is added again, by whatever address, keeps what is not said", async () => {
  await using bed = new SourcesBed();
  bed.addresses.set("gpu.lan", "10.0.0.1");
  await bed.sources.addNode({ url: at("10.0.0.1"), name: "gpu", slotCount: 2 });
  const view = await bed.sources.addNode({ url: at("gpu.lan"), weight: 3 });
  deepEqual([view.name, view.url, view.slotCount, view.weight], ["gpu", at("10.0.0.1"), 2, 3]);
  equal(bed.store.list().length, 1);
});

Deno.test("who adds a node that does not answer is told after 2 s", async () => {
  await using bed = new SourcesBed();
  bed.registry.answer = "silent";
  const adding = bed.sources.addNode({ url: at("10.0.0.1") });
  await turn();
  bed.clock.advance(2_000);
  equal((await adding).health, "unknown");
});

Deno.test("what is added while the disk is full says that it will be forgotten", async () => {
  await using bed = new SourcesBed("nodes: {local: false}", { isDiskFull: true });
  const { reason } = await bed.sources.addNode({ url: at("10.0.0.1") });
  match(reason, /^so it is\. It is forgotten when the gateway restarts: its state_dir cannot be written/);
  match(bed.sources.removeNode("10.0.0.1").reason, /It comes back when the gateway restarts/);
});

for (
  const { name, said, code, want } of [
    {
      name: "this gateway",
      said: { url: at("127.0.0.1", 11_435) },
      code: "invalid_request",
      want: /this gateway itself/,
    },
    {
      name: "a name that another has",
      said: { url: at("10.0.0.2"), name: "10.0.0.1" },
      code: "conflict",
      want: /10\.0\.0\.1 is the name of http:\/\/10\.0\.0\.1:11434 already; choose another/,
    },
  ]
) {
  Deno.test(`addNode() refuses ${name}`, async () => {
    await using bed = new SourcesBed("nodes: {local: false}\nollama_nodes: [10.0.0.1]");
    await bed.sources.start();
    await rejects(bed.sources.addNode(said), { code, message: want });
    deepEqual([bed.store.list(), bed.registry.names], [[], ["10.0.0.1"]]);
  });
}

Deno.test("addNode() refuses more than a thousand, but changes one that is known", async () => {
  const registered = Array.from({ length: 1_000 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
  await using bed = new SourcesBed("nodes: {local: false}", { registered });
  await bed.sources.start();
  await rejects(bed.sources.addNode({ url: at("10.0.0.1") }), {
    code: "conflict",
    message: /1000 nodes are the most; remove one first/,
  });
  equal((await bed.sources.addNode({ url: at("10.1.0.0"), slotCount: 9 })).slotCount, 9);
});

for (const wish of ["gpu.lan", "http://GPU.lan:11434/", "gpu.lan:11434", "10.0.0.1"]) {
  Deno.test(`removeNode() forgets what an operator added, called ${wish}`, async () => {
    await using bed = new SourcesBed("nodes: {local: false}", { registered: ["gpu.lan", "10.0.0.1"] });
    bed.addresses.set("gpu.lan", "10.0.0.1");
    await bed.sources.start();
    deepEqual(bed.sources.removeNode(wish), {
      name: "gpu.lan",
      outcome: "removed",
      reason: "gpu.lan is forgotten; requests that it has end as usual",
    });
    deepEqual([bed.store.list(), bed.registry.names], [[], []]);
    throws(() => bed.sources.removeNode(wish), { code: "not_found" });
  });
}

for (
  const { name, config, options, wish, want } of [
    {
      name: "the configuration",
      config: "ollama_nodes: [10.0.0.1]",
      wish: "10.0.0.1",
      want: /the configuration names it/,
    },
    {
      name: "OLLAMA_HOST",
      config: "",
      options: { ollamaHost: "10.0.0.1" },
      wish: "10.0.0.1",
      want: /OLLAMA_HOST names it/,
    },
    { name: "this host", config: "", wish: "127.0.0.1", want: /set nodes\.local to false/ },
  ]
) {
  Deno.test(`removeNode() refuses what ${name} tells of, and says where to take it back`, async () => {
    await using bed = new SourcesBed(config, options);
    bed.http.set(PORT, {});
    await bed.sources.start();
    throws(() => bed.sources.removeNode(wish), { code: "conflict", message: want });
    equal(bed.registry.names.includes(wish), true);
  });
}

Deno.test("removeNode() takes back what was said by hand of a node that the configuration names, and says that it stays", async () => {
  await using bed = new SourcesBed("nodes: {local: false}\nollama_nodes: [10.0.0.1]");
  await bed.sources.start();
  await bed.sources.addNode({ url: at("10.0.0.1"), slotCount: 9 });
  deepEqual(bed.sources.removeNode("10.0.0.1"), {
    name: "10.0.0.1",
    outcome: "removed",
    reason: "what was said of 10.0.0.1 by hand is forgotten; it stays a node: the configuration names it " +
      "(ollama_nodes); remove it there",
  });
  const [node] = bed.sources.listNodes();
  deepEqual([node?.slotCount, node?.sources, bed.store.list()], [4, ["config"], []]);
  throws(() => bed.sources.removeNode("10.0.0.1"), { code: "conflict" });
});

Deno.test("an operator lifts at run time what the configuration lists", async () => {
  await using bed = new SourcesBed("nodes: {local: false}\nollama_nodes: [{url: 10.0.0.1, models: ['a*']}]");
  await bed.sources.start();
  deepEqual((await bed.sources.addNode({ url: at("10.0.0.1"), slotCount: 2 })).allowedModels, ["a*"]);
  deepEqual((await bed.sources.addNode({ url: at("10.0.0.1"), models: [] })).allowedModels, []);
});

Deno.test("a node that is refused, repaired and refused again is told of again", async () => {
  await using bed = new SourcesBed("nodes: {local: false}\nollama_nodes: [gpu.lan]");
  bed.addresses.set("gpu.lan", "169.254.1.1");
  await bed.sources.start();
  for (const address of ["169.254.1.1", "10.0.0.1", "169.254.1.1"]) {
    bed.addresses.set("gpu.lan", address);
    await bed.lookAgain();
  }
  deepEqual(bed.log.said, ["warn ollama node refused", "warn ollama node refused"]);
});

Deno.test("removeNode() of a hostile name stays a sentence", async () => {
  await using bed = new SourcesBed();
  throws(
    () => bed.sources.removeNode("x".repeat(100_000)),
    (error: Error) => error.message.length < 200 && "code" in error && error.code === "not_found",
  );
  throws(() => bed.sources.removeNode("http://ada:hunter2@169.254.169.254/'; DROP TABLE node"), {
    code: "not_found",
  });
});

Deno.test("a reload takes and gives nodes at once, and keeps the rest", async () => {
  await using bed = new SourcesBed("nodes: {local: false}\nollama_nodes: [a, b]");
  await bed.sources.start();
  await bed.configure("nodes: {local: false, slots: 7}\nollama_nodes: [b, {url: c, name: d}]");
  deepEqual(bed.registry.names, ["b", "d"]);
  deepEqual(bed.registry.applied.at(-1)!.map(({ slotCount }) => slotCount), [7, 7]);
  await bed.configure("nodes: {local: false}\nollama_nodes: [{url: b, api_key: hush}]");
  equal(bed.registry.applied.at(-1)![0]!.apiKey?.reveal()[0], "hush");
  await bed.configure("nodes: {local: false}\nollama_nodes: [{url: b, api_key: other}]");
  equal(bed.registry.applied.at(-1)![0]!.apiKey?.reveal()[0], "other", "another key is another setting");
});

Deno.test("disposing ends all waiting, also that of operators", async () => {
  const bed = new SourcesBed("nodes: {local: false}\nollama_nodes: [slow.lan]");
  bed.hanging.add("slow.lan").add("other.lan");
  const started = bed.sources.start();
  const adding = rejects(bed.sources.addNode({ url: at("other.lan") }));
  await bed[Symbol.asyncDispose]();
  await Promise.all([started, adding]);
  deepEqual([bed.registry.applied, bed.log.said], [[], []]);
});
