import { GatewayError } from "../errors.ts";
import { MAX_TENSOR_SPLIT } from "../llama_server/args.ts";
import { type Deal, type Dealer, type Misfit, needsOf } from "./deal.ts";
import { holds } from "./fill.ts";
import type { LayerScale } from "./layer_scale.ts";
import type { PlanBackend, PlanStrategy } from "./plan_input.ts";
import { placeOf, type Room } from "./room.ts";
import { misfitOf } from "./settled_misfit.ts";

/** How many layers the operator deals, the output layer not counted; `undefined` if they are not dealt one by one. */
export function explicitLayerCount(strategy: PlanStrategy): number | undefined {
  return typeof strategy === "object" ? countOf(strategy.layers) : undefined;
}

/**
 * Exactly the layers that the operator says.
 *
 * @param layers By `host:port`, or `host:port/1` for a device other than the first, in the order of the layers; any of
 * a backend's names will do. A device with 0 is left out, unless it is the last: that one gets the output layer.
 * @param backends All that there are, to tell an unknown one from one without memory.
 */
export function explicitDealer(
  layers: Readonly<Record<string, number>>,
  backends: readonly PlanBackend[],
): Dealer {
  const settle = (scale: LayerScale, rooms: readonly Room[]): Deal => {
    checkCounts(scale, layers);
    const shares = sharesOf(layers);
    if (shares.length > MAX_TENSOR_SPLIT) {
      throw refusal(scale, `names ${shares.length} devices`, `llama.cpp takes ${MAX_TENSOR_SPLIT} at most`);
    }
    const used = shares.map(({ where }) => roomAt(scale, where, rooms, backends));
    checkRepeated(scale, shares, used);
    return { rooms: used, counts: shares.map(({ count }) => count), reasons: [] };
  };
  return {
    deal(scale, rooms): Deal | Misfit {
      const deal = settle(scale, rooms);
      const isHeld = holds(deal.rooms, needsOf(scale, deal.counts));
      return isHeld ? deal : misfitOf(scale, deal.rooms, deal.counts);
    },
    canDeal(scale, rooms): boolean {
      const deal = settle(scale, rooms);
      return holds(deal.rooms, needsOf(scale, deal.counts));
    },
  };
}

function checkCounts(scale: LayerScale, layers: Readonly<Record<string, number>>): void {
  const { blockCount } = scale.model;
  for (const [where, count] of Object.entries(layers)) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw refusal(scale, `gives ${where} ${count} layers`, "give a whole number from 0");
    }
  }
  const total = countOf(layers);
  if (total !== blockCount) {
    throw refusal(scale, `deals ${total} layers`, `the model has ${blockCount}; all must be dealt`);
  }
}

function countOf(layers: Readonly<Record<string, number>>): number {
  return Object.values(layers).reduce((sum, count) => sum + count, 0);
}

interface NamedShare {
  readonly where: string;
  /** Units. */
  readonly count: number;
}

/** The last one gets the output layer as one unit more; those without a unit are left out. */
function sharesOf(layers: Readonly<Record<string, number>>): NamedShare[] {
  const entries = Object.entries(layers);
  return entries
    .map(([where, count], index) => ({ where, count: count + (index === entries.length - 1 ? 1 : 0) }))
    .filter(({ count }) => count > 0);
}

function checkRepeated(scale: LayerScale, shares: readonly NamedShare[], used: readonly Room[]): void {
  const repeated = used.find((room, index) => used.indexOf(room) < index);
  if (!repeated) return;
  const names = shares.filter((_, index) => used[index] === repeated).map(({ where }) => where);
  throw refusal(
    scale,
    `names ${placeOf(repeated.device, repeated.backend)} twice (${names.join(", ")})`,
    "give each device one number",
  );
}

function roomAt(
  scale: LayerScale,
  where: string,
  rooms: readonly Room[],
  backends: readonly PlanBackend[],
): Room {
  const [endpoint, index = "0"] = where.split("/");
  const isMeant = (backend: PlanBackend): boolean =>
    backend.endpoint === endpoint || backend.aliases?.includes(endpoint!) === true;
  const room = rooms.find(({ backend, device }) => device.deviceIndex === Number(index) && isMeant(backend));
  if (room) return room;
  if (backends.some((backend) => isMeant(backend) && Number(index) < backend.devices.length)) {
    throw refusal(
      scale,
      `gives layers to ${where}`,
      "it has no memory to plan with; leave it out or give it 0",
    );
  }
  const known = backends.map((backend) => backend.endpoint).slice(0, 10).join(", ");
  throw refusal(scale, `names ${where}`, `no such device can be used now; the rpc backends are ${known}`);
}

function refusal(scale: LayerScale, what: string, advice: string): GatewayError {
  return new GatewayError(
    "invalid_request",
    `Cannot place "${scale.model.name}" as told: the placement ${what}; ${advice}`,
    { field: "placement" },
  );
}
