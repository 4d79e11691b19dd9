import { deepEqual, match } from "node:assert/strict";
import { type GatewayStatus, troublesOf } from "../../../lib/cli/gateway_troubles.ts";
import { UNLIMITED } from "../../../lib/rpc/backend.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { coordinatorReport } from "../../fixtures/coordinator_reports.ts";
import { externalView, gatewayStatus, listedModel } from "../../fixtures/gateway_statuses.ts";
import { nodeSummary } from "../../fixtures/node_views.ts";

for (
  const { name, status } of [
    { name: "all that is up", status: {} },
    { name: "nodes alone", status: { rpcBackends: [], coordinators: [], externalCoordinators: [] } },
    { name: "a node that was not asked yet", status: { nodes: [nodeSummary("a", { health: "unknown" })] } },
    { name: "a node that sleeps", status: { nodes: [nodeSummary("a", { health: "down", canWake: true })] } },
    {
      name: "a backend that a coordinator of ours holds",
      status: { rpcBackends: [backendView("a:1", { health: "held", holder: "coordinator of x" })] },
    },
    {
      name: "a backend that is down, but excluded",
      status: {
        rpcBackends: [backendView("a:1", { health: "down", limits: { ...UNLIMITED, isExcluded: true } })],
      },
    },
    {
      name: "a model that starts",
      status: { coordinators: [coordinatorReport("m", { state: "starting" })] },
    },
    {
      name: "no models while a node is down that may have some",
      status: { nodes: [nodeSummary("a", { health: "down", canWake: true })], models: [] },
    },
    {
      name: "no models while a node was not asked yet",
      status: { nodes: [nodeSummary("a", { health: "unknown" })], models: [] },
    },
    {
      name: "an alias whose node wants to be left alone for a while",
      status: {
        models: [listedModel("x", { isAvailable: false, because: "gpu: paused for 2 s", aliasOf: "m" })],
      },
    },
    {
      name: "a model that cannot be served now, since its node is told anyway",
      status: { models: [listedModel("m", { isAvailable: false, because: "gpu is down" })] },
    },
    {
      name: "a gateway alone that answers on its own host",
      status: { mode: "single", nodes: [], rpcBackends: [], coordinators: [], externalCoordinators: [] },
    },
  ] as { name: string; status: Partial<GatewayStatus> }[]
) {
  Deno.test(`there is no trouble with ${name}`, () => deepEqual(troublesOf(gatewayStatus(status)), []));
}

for (
  const { name, status, want } of [
    {
      name: "a gateway whose program was replaced",
      status: { restartNeeded: "runs 0.1.0, but /bin/sollol was replaced; restart it" },
      want: "The gateway runs 0.1.0, but /bin/sollol was replaced; restart it",
    },
    {
      name: "a node that is down",
      status: { nodes: [nodeSummary("a", { health: "down", reason: "nothing listens there; start it" })] },
      want: "Node a is down: nothing listens there; start it",
    },
    {
      name: "a node whose requests fail",
      status: { nodes: [nodeSummary("a", { breaker: "open" })] },
      want: "Node a gets no requests for a while: too many failed there of late; see its log",
    },
    {
      name: "nobody who holds a model",
      status: { models: [] },
      want:
        'There is no model to ask for: pull one with "ollama pull" on a node or on the gateway\'s host, or say by models ' +
        "(--models) where that host has GGUF files",
    },
    {
      name: "a gateway alone without models",
      status: {
        mode: "single",
        nodes: [],
        rpcBackends: [],
        coordinators: [],
        externalCoordinators: [],
        models: [],
      },
      want:
        'There is no model to ask for: pull one with "ollama pull" on a node or on the gateway\'s host, or say by models ' +
        "(--models) where that host has GGUF files",
    },
    {
      name: "an alias for what nobody has",
      status: {
        models: [
          listedModel("x", {
            isAvailable: false,
            nodes: [],
            because: 'it stands for "y", which nobody has',
            aliasOf: "y",
          }),
        ],
      },
      want: 'Alias x is not served: it stands for "y", which nobody has; pull that model, or change aliases',
    },
    {
      name: "a backend that is down",
      status: {
        rpcBackends: [backendView("a:1", { health: "down", reason: "a:1 does not answer; start it" })],
      },
      want: "a:1 does not answer; start it",
    },
    {
      name: "a backend of another version",
      status: { rpcBackends: [backendView("a:1", { health: "mismatch", reason: "it runs 7.0; update it" })] },
      want: "Rpc backend a:1 is mismatch: it runs 7.0; update it",
    },
    {
      name: "a backend that a stranger holds",
      status: {
        rpcBackends: [backendView("a:1", { health: "held", reason: "a:1 serves a client; stop that" })],
      },
      want: "a:1 serves a client; stop that",
    },
    {
      name: "a model that was given up",
      status: {
        coordinators: [coordinatorReport("m", { state: "failed", because: "5 failures in 10 min" })],
      },
      want: "Model m is not served: 5 failures in 10 min",
    },
    {
      name: "a coordinator of others that is down",
      status: { externalCoordinators: [externalView({ health: "down", reason: "it is silent" })] },
      want: "Coordinator http://c:8080 is down: it is silent",
    },
  ] as { name: string; status: Partial<GatewayStatus>; want: string }[]
) {
  Deno.test(`there is trouble with ${name}`, () => deepEqual(troublesOf(gatewayStatus(status)), [want]));
}

Deno.test("a gateway that knows nobody says what to do", () => {
  for (const mode of [undefined, "sharding", "distribution", "hybrid"] as const) {
    const none = { nodes: [], rpcBackends: [], coordinators: [], externalCoordinators: [] };
    const troubles = troublesOf(gatewayStatus({ mode, ...none }));
    match(
      troubles.join("\n"),
      /^There is nobody to answer: .*"sollol nodes --add URL" and "sollol register HOST:PORT"$/,
    );
  }
});
