import * as z from "zod";
import type { CoordinatorReport } from "../coordinator_admin.ts";
import type { JsonShape } from "../json_shape.ts";
import type { PoolEvent } from "../pool/pooled.ts";
import type { SseEvent } from "../stream/sse_event.ts";
import {
  coordinatorListShape,
  coordinatorStateShape,
  loadProgressShape,
  startPhaseShape,
} from "./coordinator_report_shape.ts";
import { shapedBy } from "./shaped_by.ts";

/** What the command line makes something of, of all that the gateway tells. */
export type WatchedEvent =
  | { readonly type: "snapshot"; readonly coordinators: readonly CoordinatorReport[] }
  | LifeEvent;

/** A change in the life of a coordinator. */
export type LifeEvent = Extract<
  PoolEvent,
  { readonly type: "state" | "phase" | "loading" | "recovering" }
>;

const state = z.unknown().transform(shapedBy(coordinatorStateShape));
const phase = z.unknown().transform(shapedBy(startPhaseShape));
const progress = z.unknown().transform(shapedBy(loadProgressShape));
const who = z.object({ id: z.string(), model: z.string() });

const lifeEvent: JsonShape<LifeEvent> = z.union([
  who.extend({
    type: z.literal("state"),
    state,
    before: state,
    because: z.string(),
  }),
  who.extend({ type: z.literal("phase"), phase, because: z.string() }),
  z.intersection(who.extend({ type: z.literal("loading") }), progress),
  who.extend({
    type: z.literal("recovering"),
    because: z.string(),
    attempt: z.number(),
    inMs: z.number(),
  }),
]);

/** Reads an event of the gateway's. `other`: nothing is made of it here. `malformed`: no gateway tells it so. */
export function readWatchedEvent({ type, data }: SseEvent): WatchedEvent | "other" | "malformed" {
  if (type === "snapshot") {
    const list = parseAs(coordinatorListShape, data);
    return list ? { type: "snapshot", ...list } : "malformed";
  }
  const isLife = ["state", "phase", "loading", "recovering"].includes(type);
  return isLife ? parseAs(lifeEvent, data) ?? "malformed" : "other";
}

function parseAs<T>(shape: JsonShape<T>, text: string): T | undefined {
  try {
    const result = shape.safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch {
    return undefined; // no JSON
  }
}
