import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { BackendAdmin } from "../lib/backend_admin.ts";
import { GatewayError } from "../lib/errors.ts";
import { workerReport } from "../lib/rpc/worker_report.ts";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";
import { KeyRing } from "./middleware/authenticate.ts";
import { readJson } from "./read_json.ts";

/** 64 backends of a few devices, with room to spare. */
const MAX_BODY_BYTES = 256 * 1024;

const NO_TOKEN: readonly string[] = [];

/** Who may join. */
export interface WorkerAccess {
  /** What workers must show, where the operator set it; the API keys do not count then. Asked at each report. */
  readonly token: () => readonly string[] | undefined;
  /** What they must show otherwise. */
  readonly keys: KeyRing;
}

/** Where workers report. Mounted at `/api/workers`, before the API keys are asked for: it asks by itself. */
export function workerRoutes(admin: BackendAdmin, { token, keys }: WorkerAccess): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const tokens = new KeyRing(() => token() ?? NO_TOKEN);
  const [byKey, byToken] = [admit(keys, "an API key"), admit(tokens, "its worker token")];
  routes.use((c, next) => (token() === undefined ? byKey : byToken)(c, next));

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

function admit(ring: KeyRing, secret: string): MiddlewareHandler<AppEnv> {
  return function requireSecret(c, next) {
    if (ring.admits(c)) return next();
    throw new GatewayError(
      "unauthorized",
      `This gateway lets only workers in that show ${secret}; start the worker with --token, and check it`,
    );
  };
}

/** The other end of the connection, where the server hands it in; an IPv4 address is written as one. */
function peerOf(c: Context<AppEnv>): string | undefined {
  const address = c.env.remoteAddr;
  return address && "hostname" in address ? address.hostname.replace(/^::ffff:(?=\d+\.)/, "") : undefined;
}
