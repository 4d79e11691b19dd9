import { deepEqual, equal } from "node:assert/strict";
import { renderNodes } from "../../../lib/cli/node_table.ts";
import { digestConflicts } from "../../../lib/nodes/digest_conflicts.ts";
import type { NodeView } from "../../../lib/nodes/node.ts";
import { shortened } from "../../../lib/nodes/node_view.ts";
import { GIB } from "../../../lib/units.ts";
import { heldModel, nodeView } from "../../fixtures/node_views.ts";

const TITLES = [
  "NODE",
  "HEALTH",
  "VERSION",
  "IN FLIGHT",
  "MODELS",
  "LOADED",
  "MEMORY",
  "FIRST TOKEN",
  "SOURCES",
];
const loaded = (sizeBytes: number) => ({ key: "a", name: "a", sizeBytes, vramBytes: 0, expiresAtMs: 0 });

function render(...views: NodeView[]): string[][] {
  const overview = { nodes: views.map(shortened), conflicts: digestConflicts(views) };
  const text = renderNodes(overview, (_role, cell) => cell);
  return text.trimEnd().split("\n").map((line) => line.trim().split(/ {2,}/));
}

Deno.test("renderNodes() shows what a node is, has and does", () => {
  const busy = nodeView("gpu", {
    inFlightCount: 3,
    models: [heldModel("a"), heldModel("b")],
    resident: [loaded(6 * GIB)],
    firstTokenMs: 250,
    sources: ["config", "admin"],
  });
  const modest = nodeView("cpu", { memoryBytes: undefined, resident: [loaded(GIB)] });
  deepEqual(render(busy, modest), [
    TITLES,
    ["gpu", "up", "0.33.0", "3/4", "2", "1", "6.0 GiB of 24.0 GiB", "250 ms", "config, admin"],
    ["cpu", "up", "0.33.0", "0/4", "0", "1", "1.0 GiB", "-", "config"],
  ]);
});

Deno.test("renderNodes() has dashes for what is not known of a node that never answered, and says why", () => {
  const view = nodeView("gpu", {
    health: "down",
    reason: "nothing listens there; start Ollama",
    version: undefined,
    memoryBytes: undefined,
  });
  deepEqual(render(view).slice(1), [
    ["gpu", "down", "-", "0/4", "-", "-", "-", "-", "config"],
    [""],
    ["gpu is down: nothing listens there; start Ollama"],
  ]);
});

for (
  const { name, wish, want } of [
    {
      name: "a breaker that is open",
      wish: { breaker: "open" },
      want: "gpu gets no requests for a while: too many failed there of late; see its log",
    },
    {
      name: "a breaker that is half open",
      wish: { breaker: "half-open" },
      want: "gpu gets one request as a trial: too many failed there of late",
    },
    {
      name: "a name that is not its address",
      wish: { url: "http://10.0.0.1:11434" },
      want: "gpu is at http://10.0.0.1:11434",
    },
    {
      name: "other addresses",
      wish: { aliases: ["http://b:1", "http://c:1"] },
      want: "gpu is also reached as http://b:1, http://c:1",
    },
    { name: "a tag", wish: { tags: ["big"] }, want: "gpu has the tag big" },
    { name: "tags", wish: { tags: ["big", "new"] }, want: "gpu has the tags big, new" },
    { name: "what it may serve", wish: { allowedModels: ["llama*"] }, want: "gpu may serve only llama*" },
  ] as { name: string; wish: Partial<NodeView>; want: string }[]
) {
  Deno.test(`renderNodes() tells of ${name}`, () => {
    deepEqual(render(nodeView("gpu", wish)).slice(2), [[""], [want]]);
  });
}

Deno.test("renderNodes() says of a node that sleeps that it is woken", () => {
  const remarks = render(nodeView("gpu", { health: "down", reason: "no answer", canWake: true })).slice(3);
  deepEqual(remarks, [["gpu is down: no answer"], ["gpu is woken when a request needs it"]]);
});

Deno.test("renderNodes() says where one name means different models, ten of them at most", () => {
  const models = (letter: string, count: number) =>
    Array.from({ length: count }, (_, at) => heldModel(`m${at}`, letter.repeat(64)));
  const [a, b, c] = [["a", "1"], ["b", "2"], ["c", "2"]].map(([name, letter]) =>
    nodeView(name!, { models: models(letter!, 1) })
  );
  deepEqual(render(a!, b!, c!).slice(5), [
    ["m0 is not the same everywhere: b and c have 222222222222, a has 111111111111; pull it again where it is old"],
  ]);
  const many = render(nodeView("a", { models: models("1", 30) }), nodeView("b", { models: models("2", 30) }));
  deepEqual(
    [many.length, many.at(-1)],
    [3 + 1 + 10 + 1, ["20 more names are not the same everywhere"]],
  );
});

Deno.test("renderNodes() lets nothing steer a terminal, and marks health", () => {
  const hostile = "\u001b[2J\n\u202ex";
  const view = nodeView(hostile, { health: "down", version: hostile, reason: hostile, tags: [hostile] });
  const painted: string[] = [];
  const text = renderNodes(
    { nodes: [shortened(view)], conflicts: [] },
    (role, cell) => (painted.push(`${role} ${cell}`), cell),
  );
  for (const letter of ["\u001b", "\u202e"]) equal(text.includes(letter), false);
  equal(painted.includes("bad down"), true);
  equal(text.trimEnd().split("\n").length, 5, "no line is broken");
});

Deno.test("renderNodes() shows ten thousand nodes", () => {
  const views = Array.from({ length: 10_000 }, (_, at) => nodeView(`n${at}`, { models: [heldModel("m")] }));
  equal(render(...views).length, 10_001);
});
