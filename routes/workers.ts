import { type Context, Hono } from "hono";
import { plainAddress } from "../lib/auth/peer_address.ts";
import type { BackendAdmin } from "../lib/backend_admin.ts";
import { GatewayError } from "../lib/errors.ts";
import { workerReport } from "../lib/rpc/worker_report.ts";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";
import { addressOf } from "./middleware/authenticate.ts";
import { readJson } from "./read_json.ts";

/** 64 backends of a few devices, with room to spare. */
const MAX_BODY_BYTES = 256 * 1024;

/** Where workers report. Mounted at `/api/workers`, behind those who may join. */
export function workerRoutes(admin: BackendAdmin): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.put("/:name", async (c) => {
    const report = await readJson(c.req.raw, { schema: workerReport, maxBytes: MAX_BODY_BYTES });
    const name = c.req.param("name");
    if (report.name !== name) {
      const message =
        `The report of worker "${report.name}" was sent as that of "${name}"; send it to its own name`;
      throw new GatewayError("invalid_request", message, { field: "name" });
    }
    return c.json(admin.workerReported(report, peerOf(c)));
  });

  routes.delete("/:name", (c) => {
    const name = c.req.param("name");
    admin.workerLeft(name, peerOf(c));
    return c.json({ name, outcome: "left" });
  });
  routes.all("/:name", allow("PUT", "DELETE"));

  return routes;
}

/** The other end of the connection, where the server hands it in; an IPv4 address is written as one. */
function peerOf(c: Context<AppEnv>): string | undefined {
  const address = addressOf(c);
  return address === undefined ? undefined : plainAddress(address);
}
