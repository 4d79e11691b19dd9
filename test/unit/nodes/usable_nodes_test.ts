import { deepEqual, equal } from "node:assert/strict";
import { mergeConfig } from "../../../lib/config/merge.ts";
import type { NamedNode } from "../../../lib/nodes/named_nodes.ts";
import type { NodeSource } from "../../../lib/nodes/node.ts";
import type { NodeIdentity } from "../../../lib/nodes/node_identity.ts";
import { NodePlaces } from "../../../lib/nodes/node_places.ts";
import { usableNodes } from "../../../lib/nodes/usable_nodes.ts";

const LOCAL = { address: "127.0.0.1", isLocal: true };
const URL_OF_ONE = "http://a:1";

function judge(
  identity: Partial<NodeIdentity> | undefined,
  { source = "config", env = {} }: { source?: NodeSource; env?: Record<string, string> } = {},
) {
  const places = new NodePlaces(() => Promise.resolve(undefined));
  places.put(
    URL_OF_ONE,
    identity &&
      { server: "s", address: "10.0.0.1", port: 1, isLocal: false, refused: undefined, ...identity },
  );
  const named: NamedNode[] = [{ url: URL_OF_ONE, source }];
  const { used, unused } = usableNodes(named, places, mergeConfig({ env }).config);
  return used.length === 1 ? "used" : unused.map(({ health, reason }) => `${health}: ${reason}`)[0];
}

const OURS = "down: it is this gateway itself; name Ollama's own address";

for (
  const { name, identity, options, want } of [
    { name: "an Ollama elsewhere is used", identity: {}, want: "used" },
    { name: "one whose name nobody knows is used: it may be known later", identity: undefined, want: "used" },
    {
      name: "one whose name leads to a metadata service is not",
      identity: { refused: "169.254.169.254, a link-local address" },
      want: "down: its name leads to 169.254.169.254, a link-local address; " +
        "name an address of your own network, such as 192.168.1.20",
    },
    {
      name: "one elsewhere is not used where requests are not distributed",
      identity: {},
      options: { env: { SOLLOL_TASK_DISTRIBUTION_ENABLED: "off" } },
      want: "unknown: it is not used: task_distribution_enabled is off, and it is not on this host; " +
        "switch that on to use it",
    },
    {
      name: "one on this host is used, distributed or not",
      identity: LOCAL,
      options: { env: { SOLLOL_TASK_DISTRIBUTION_ENABLED: "off" } },
      want: "used",
    },
    { name: "this gateway is no node", identity: { ...LOCAL, port: 11_435 }, want: OURS },
    { name: "another port of this host is no gateway", identity: { ...LOCAL, port: 11_434 }, want: "used" },
    { name: "its port elsewhere is no gateway", identity: { port: 11_435 }, want: "used" },
    {
      name: "its port at another address of this host is none, if it listens on loopback",
      identity: { address: "10.0.0.1", isLocal: true, port: 11_435 },
      want: "used",
    },
    {
      name: "but if it listens everywhere",
      identity: { address: "10.0.0.1", isLocal: true, port: 11_435 },
      options: { env: { SOLLOL_LISTEN: "0.0.0.0:11435", SOLLOL_API_KEYS: "a-key" } },
      want: OURS,
    },
    {
      name: "localhost listens on loopback",
      identity: { address: "::1", isLocal: true, port: 11_435 },
      options: { env: { SOLLOL_LISTEN: "localhost:11435" } },
      want: OURS,
    },
    {
      name: "whoever sets OLLAMA_HOST to this gateway means others, and nothing is said",
      identity: { ...LOCAL, port: 11_435 },
      options: { source: "environment" as const },
      want: undefined,
    },
    {
      name: "but not, if it leads to a metadata service",
      identity: { refused: "metadata, where" },
      options: { source: "environment" as const },
      want:
        "down: its name leads to metadata, where; name an address of your own network, such as 192.168.1.20",
    },
  ]
) {
  Deno.test(`usableNodes(): ${name}`, () => equal(judge(identity, options), want));
}

Deno.test("usableNodes() leaves out those of which nobody knows yet where they lead", () => {
  const places = new NodePlaces(() => Promise.resolve(undefined));
  const named: NamedNode[] = [{ url: URL_OF_ONE, source: "config" }];
  deepEqual(usableNodes(named, places, mergeConfig({}).config), { used: [], unused: [] });
});
