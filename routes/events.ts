import { Hono } from "hono";
import type { CoordinatorAdmin } from "../lib/coordinator_admin.ts";
import type { SseEvent } from "../lib/stream/sse_event.ts";
import type { AppEnv } from "./app_env.ts";
import { eventStream } from "./event_stream.ts";
import { jsonText } from "./json_answer.ts";
import type { LongAnswerSettings } from "./long_answer.ts";
import { allow } from "./middleware/allow.ts";

type Events = Pick<CoordinatorAdmin, "events" | "listCoordinators">;

/** What happens in the gateway, as it happens. Mounted at `/api/admin`, behind the API keys. */
export function eventRoutes(admin: Events, settings: LongAnswerSettings): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/events", (c) => eventStream(c, (signal) => tell(admin, signal), settings));
  routes.all("/events", allow("GET"));
  return routes;
}

/** How all coordinators are, and each change from then on. Who was too slow is told, and then how they are now. */
async function* tell(admin: Events, signal: AbortSignal): AsyncGenerator<SseEvent, void> {
  const deliveries = admin.events({ signal }); // first, so that nothing gets lost behind the snapshot
  yield snapshotOf(admin);
  for await (const delivery of deliveries) {
    if (delivery.kind === "event") {
      yield { type: delivery.event.type, data: jsonText(delivery.event) };
    } else {
      yield { type: "missed", data: jsonText({ count: delivery.count }) };
      yield snapshotOf(admin);
    }
  }
}

function snapshotOf(admin: Events): SseEvent {
  return { type: "snapshot", data: jsonText({ coordinators: admin.listCoordinators() }) };
}
