import { formatBytes } from "../units.ts";
import { memoryCells } from "./backend_table.ts";
import type { GatewayStatus } from "./gateway_troubles.ts";
import type { ListedModel } from "./listed_model_shape.ts";
import { renderFields } from "./table.ts";
import { type Paint, printable } from "./terminal.ts";

/** How a gateway is, on one page. */
export function renderStatus(status: GatewayStatus, troubles: readonly string[], paint: Paint): string {
  const { version, url, mode } = status;
  const head = `sollol ${version} at ${url}${mode === undefined ? "" : `: ${MODES[mode]}`}`;
  const fields = renderFields([
    ["Ollama nodes", nodesText(status)],
    ["Rpc backends", backendsText(status)],
    ["Coordinators", countStates(status.coordinators.map(({ state }) => state), ["ready"])],
    ["Run by others", countStates(status.externalCoordinators.map(({ health }) => health), ["up"])],
    ["Requests", requestsText(status)],
  ].map(([name, value]) => [paint("name", name!), printable(value!)] as const));
  const verdict = troubles.length === 0 ? paint("good", "All is well.") : [
    paint("bad", troubles.length === 1 ? "One thing is wrong:" : `${troubles.length} things are wrong:`),
    ...troubles.map((trouble) => `- ${printable(trouble)}`),
  ].join("\n");
  return `${paint("heading", printable(head))}\n\n${fields}\n${verdict}\n`;
}

const MODES: Record<NonNullable<GatewayStatus["mode"]>, string> = {
  single: "single, all is answered on this host",
  sharding: "sharding, models are spread over rpc backends",
  distribution: "distribution, requests go to Ollama nodes",
  hybrid: "hybrid, what fits an Ollama node goes there and the rest is spread over rpc backends",
};

/** `2 up, 1 asleep, 1 down; 3 of 12 slots in use, 31 models, 2 loaded`. One that is down and can be woken sleeps. */
function nodesText({ nodes, models }: GatewayStatus): string {
  if (nodes.length === 0) return "none";
  const up = nodes.filter(({ health }) => health === "up");
  const names = new Set(up.map(({ name }) => name));
  const modelCount = models.filter((model) => isHeldBy(names, model)).length;
  const loadedCount = sum(up.map(({ residentCount }) => residentCount));
  const states = nodes.map(({ health, canWake }) => health === "down" && canWake ? "asleep" : health);
  return `${countStates(states, ["up", "asleep"])}; ` +
    `${sum(up.map((node) => node.inFlightCount))} of ${
      sum(up.map((node) => node.slotCount))
    } slots in use, ` +
    `${modelCount} ${modelCount === 1 ? "model" : "models"}, ${loadedCount} loaded`;
}

/** An alias is another name of one that is counted. */
function isHeldBy(names: ReadonlySet<string>, { aliasOf, nodes }: ListedModel): boolean {
  return aliasOf === undefined && nodes.some((name) => names.has(name));
}

/** `3 up, 1 held; 62.3 GiB free`. */
function backendsText({ rpcBackends }: GatewayStatus): string {
  if (rpcBackends.length === 0) return "none";
  const up = rpcBackends.filter(({ health }) => health === "up");
  const [, free] = memoryCells(up.flatMap(({ devices }) => devices));
  const counted = countStates(rpcBackends.map(({ health }) => health), ["up", "held"]);
  return up.length === 0 ? counted : `${counted}; ${free === "-" ? formatBytes(0) : free} free`;
}

/** `2 up, 1 down`; the given states first. */
function countStates(states: readonly string[], first: readonly string[]): string {
  const counts = Map.groupBy(states, (state) => state);
  const order = [
    ...first.filter((state) => counts.has(state)),
    ...[...counts.keys()].filter((one) => !first.includes(one)),
  ];
  return order.map((state) => `${counts.get(state)!.length} ${state}`).join(", ") || "none";
}

function requestsText({ inFlightCount, waitingCount = 0 }: GatewayStatus): string {
  if (inFlightCount === undefined) return "";
  return `${inFlightCount} under way${waitingCount === 0 ? "" : `, ${waitingCount} of them waiting`}`;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
