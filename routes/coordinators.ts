import { type Context, Hono } from "hono";
import * as z from "zod";
import type { Clock } from "../lib/clock.ts";
import type { CoordinatorAdmin, CoordinatorReport } from "../lib/coordinator_admin.ts";
import { Deadline } from "../lib/deadline.ts";
import { GatewayError } from "../lib/errors.ts";
import { parseKeepAlive } from "../lib/ollama/keep_alive.ts";
import { parsedBy } from "../lib/parsed_by.ts";
import { untilAborted } from "../lib/until_aborted.ts";
import type { AppEnv } from "./app_env.ts";
import { targetOf } from "./coordinator_target.ts";
import { jsonAnswer } from "./json_answer.ts";
import type { LongAnswerSettings } from "./long_answer.ts";
import { leftOf } from "./left_of.ts";
import { allow } from "./middleware/allow.ts";
import { readFlag } from "./read_flag.ts";
import { readJson } from "./read_json.ts";

/** A wish has a few short fields. */
const MAX_BODY_BYTES = 16 * 1024;

/** For how long who does not wait for a load is kept, to be told of a refusal that needs no load. */
const REFUSAL_MS = 250;

const model = z.string().min(1).max(512);
const keepAlive = z.union(
  [z.string().max(64), z.number()],
  `must be a duration such as "10m", or a number of seconds`,
).transform(parsedBy(parseKeepAlive));
const wait = z.boolean().optional();

const loadWish = z.strictObject({ model, keep_alive: keepAlive.optional(), wait });
const unloadWish = z.strictObject({ model });
const restartWish = z.strictObject({ model, wait });
const restartOfOne = z.strictObject({ wait });

/** The operator's view of the coordinators, and what they may do with them. Mounted at `/api/admin`, behind the API keys. */
export function coordinatorRoutes(admin: CoordinatorAdmin, settings: LongAnswerSettings): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/coordinators", (c) => jsonAnswer(c, { coordinators: admin.listCoordinators() }));
  routes.all("/coordinators", allow("GET"));

  routes.post("/coordinators/:target{.+/restart}", async (c) => {
    const said = await readWish(c, restartOfOne);
    const id = targetOf(c, "/restart");
    const restart = (signal: AbortSignal) => admin.restartCoordinator(id, { signal });
    return await answerStart(c, restart, { name: id, isWaiting: isWaiting(c, said.wait) }, settings);
  });
  routes.all("/coordinators/:target{.+/restart}", allow("POST"));

  routes.get("/coordinators/:target{.+}", (c) => jsonAnswer(c, admin.getCoordinator(targetOf(c))));
  routes.all("/coordinators/:target{.+}", allow("GET"));

  routes.post("/models/load", async (c) => {
    const said = await readWish(c, loadWish);
    const load = (signal: AbortSignal) =>
      admin.loadModel(said.model, { keepAliveMs: said.keep_alive, signal });
    return await answerStart(c, load, { name: said.model, isWaiting: isWaiting(c, said.wait) }, settings);
  });
  routes.all("/models/load", allow("POST"));

  routes.post("/models/unload", async (c) => {
    const said = await readWish(c, unloadWish);
    const { outcome, because } = admin.unloadModel(said.model);
    return jsonAnswer(c, { model: said.model, outcome, because }, outcome === "after use" ? 202 : 200);
  });
  routes.all("/models/unload", allow("POST"));

  routes.post("/models/restart", async (c) => {
    const said = await readWish(c, restartWish);
    const restart = (signal: AbortSignal) => admin.restartCoordinator(said.model, { signal });
    return await answerStart(c, restart, { name: said.model, isWaiting: isWaiting(c, said.wait) }, settings);
  });
  routes.all("/models/restart", allow("POST"));

  return routes;
}

function readWish<T>(c: Context<AppEnv>, schema: z.ZodType<T>): Promise<T> {
  return readJson(c.req.raw, { schema, maxBytes: MAX_BODY_BYTES });
}

/** It is waited for unless body or query say no. */
function isWaiting(c: Context<AppEnv>, said: boolean | undefined): boolean {
  return readFlag(c, "wait", { otherwise: true }) && (said ?? true);
}

/** Begins what makes a coordinator ready, and answers when it is, or at once for who does not want to wait. */
async function answerStart(
  c: Context<AppEnv>,
  begin: (signal: AbortSignal) => Promise<CoordinatorReport>,
  { name, isWaiting }: { name: string; isWaiting: boolean },
  { closing, clock }: LongAnswerSettings,
): Promise<Response> {
  const ready = begin(isWaiting ? AbortSignal.any([leftOf(c), closing]) : closing);
  try {
    const report = isWaiting ? await ready : await earlyAnswer(ready, clock);
    if (report) return jsonAnswer(c, report);
  } catch (error) {
    if (!closing.aborted || error instanceof GatewayError) throw error;
    throw new GatewayError(
      "shutting_down",
      `The gateway is shutting down, so "${name}" is not loaded; ask again in a moment`,
    );
  }
  const because = `"${name}" is being loaded; GET /api/admin/events tells how far it is`;
  return jsonAnswer(c, { model: name, outcome: "loading", because }, 202);
}

/** What comes within a moment, without which an unknown model would be answered like one that loads. */
async function earlyAnswer<T>(ready: Promise<T>, clock: Clock): Promise<T | undefined> {
  using moment = new Deadline(clock, REFUSAL_MS);
  return await Promise.race([ready, untilAborted(moment.signal).then(() => undefined)]);
}
