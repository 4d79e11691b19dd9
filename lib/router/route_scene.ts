import type { ExternalFacts } from "../coordinator/external.ts";
import type { KnownNode } from "../nodes/node.ts";
import { chooseNode, type NodeChoice } from "./choose_node.ts";
import type { Demand, Facts } from "./decision.ts";
import { isUsable } from "./external_outlook.ts";
import { orderOf, type RouteOrder } from "./route_order.ts";
import { reasonToShard, type ShardingTrouble, shardingTrouble } from "./sharding_outlook.ts";

/** All that a decision is made from, looked at once. */
export interface RouteScene {
  /** What is asked for. */
  readonly demand: Demand;
  /** What is known. */
  readonly facts: Facts;
  /** Where the request or the profile wants it to go; it has narrowed what follows. */
  readonly order: RouteOrder | undefined;
  /** The nodes that hold the model and may be asked for all that was ordered; none for what no node can do. */
  readonly holders: readonly KnownNode[];
  /** The best of them. */
  readonly choice: NodeChoice | undefined;
  /** Others' coordinators that may be asked for all that was ordered. */
  readonly external: readonly ExternalFacts[];
  /** Of these, those that serve the model now. */
  readonly usable: readonly ExternalFacts[];
  /** Whether a coordinator of ours may be asked for all that was ordered. */
  readonly allowsOurs: boolean;
  /** What speaks against a coordinator of ours. */
  readonly trouble: ShardingTrouble | undefined;
  /** Why the model is to be sharded though a node might hold it, in a clause. */
  readonly shardBecause: string | undefined;
}

/** Looks at all that a decision is made from. */
export function sceneOf(demand: Demand, facts: Facts): RouteScene {
  const { rules, need } = facts;
  const order = orderOf(demand, facts);
  const { holders: ordered, external } = order ?? facts;
  const holders = demand.only === undefined ? ordered : [];
  const isHybrid = order === undefined && rules.mode === "hybrid";
  const isForbidden = order?.kind === "sharded" && rules.mode === "single"; // one host is no sharding
  return {
    demand,
    facts,
    order,
    holders,
    choice: holders.length > 0 ? chooseNode(holders, demand, need, rules) : undefined,
    external,
    usable: external.filter((one) => isUsable(one, demand)),
    allowsOurs: order === undefined || order.kind === "sharded",
    trouble: isForbidden ? "off" : shardingTrouble(demand, facts),
    shardBecause: isHybrid ? reasonToShard(rules, need) : undefined,
  };
}
