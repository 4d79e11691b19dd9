import { deepEqual, equal, match } from "node:assert/strict";
import { renderStatus } from "../../../lib/cli/status_text.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { coordinatorReport } from "../../fixtures/coordinator_reports.ts";
import { externalView, gatewayStatus, listedModel } from "../../fixtures/gateway_statuses.ts";
import { heldModel, nodeSummary } from "../../fixtures/node_views.ts";

const plain = (_role: string, text: string) => text;
const linesOf = (text: string) => text.trimEnd().split("\n").map((line) => line.split(/ {2,}/));

Deno.test("renderStatus() says on one page how a gateway is", () => {
  const loaded = { key: "a", name: "a", sizeBytes: 1, vramBytes: 0, expiresAtMs: 0 };
  const status = gatewayStatus({
    inFlightCount: 5,
    waitingCount: 2,
    nodes: [
      nodeSummary("a", { inFlightCount: 2, models: [heldModel("x"), heldModel("y")], resident: [loaded] }),
      nodeSummary("b", { models: [heldModel("x")] }),
      nodeSummary("c", { health: "down", slotCount: 100, models: [heldModel("z")] }),
      nodeSummary("d", { health: "down", canWake: true }),
    ],
    rpcBackends: [
      backendView("d:1", { health: "down" }),
      backendView("e:1"),
      backendView("f:1", { health: "held" }),
    ],
    coordinators: [coordinatorReport("m", { state: "failed" }), coordinatorReport("n")],
    externalCoordinators: [externalView(), externalView({ health: "loading" })],
    models: [
      listedModel("x", { nodes: ["a", "b"] }),
      listedModel("y", { nodes: ["a"] }),
      listedModel("z", { nodes: ["c"] }),
      listedModel("best", { nodes: ["a"], aliasOf: "y" }),
      listedModel("m", { nodes: [] }),
    ],
  });
  deepEqual(linesOf(renderStatus(status, [], plain)), [
    ["sollol 1.2.3 at http://127.0.0.1:11435: hybrid, what fits an Ollama node goes there and the rest is spread over rpc backends"],
    [""],
    ["Ollama nodes", "2 up, 1 asleep, 1 down; 2 of 8 slots in use, 2 models, 1 loaded"],
    ["Rpc backends", "1 up, 1 held, 1 down; 24.0 GiB free"],
    ["Coordinators", "1 ready, 1 failed"],
    ["Run by others", "1 up, 1 loading"],
    ["Requests", "5 under way, 2 of them waiting"],
    [""],
    ["All is well."],
  ]);
});

Deno.test("renderStatus() says none of what there is not, and nothing of what an older gateway does not tell", () => {
  const none = { nodes: [], rpcBackends: [], coordinators: [], externalCoordinators: [] };
  const status = gatewayStatus({
    mode: undefined,
    inFlightCount: undefined,
    waitingCount: undefined,
    ...none,
  });
  deepEqual(linesOf(renderStatus(status, ["Nobody is there; add one"], plain)), [
    ["sollol 1.2.3 at http://127.0.0.1:11435"],
    [""],
    ["Ollama nodes", "none"],
    ["Rpc backends", "none"],
    ["Coordinators", "none"],
    ["Run by others", "none"],
    [""],
    ["One thing is wrong:"],
    ["- Nobody is there; add one"],
  ]);
});

Deno.test("renderStatus() lists each trouble, marked", () => {
  const painted: string[] = [];
  const paint = (role: string, text: string) => (painted.push(`${role} ${text}`), text);
  match(renderStatus(gatewayStatus(), ["one", "two"], paint), /2 things are wrong:\n- one\n- two\n$/);
  equal(painted.includes("bad 2 things are wrong:"), true);
});

Deno.test("renderStatus() lets nothing steer a terminal", () => {
  const hostile = "\u001b[2J\n\u202ex";
  const text = renderStatus(gatewayStatus({ version: hostile, url: hostile }), [hostile], plain);
  for (const letter of ["\u001b", "\u202e"]) equal(text.includes(letter), false);
  equal(text.trimEnd().split("\n").length, 10);
});
