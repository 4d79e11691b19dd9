import { type Context, Hono } from "hono";
import { ownerOf } from "../lib/auth/owner.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { fileObject, listObject } from "../lib/dialects/openai_batch.ts";
import { GatewayError } from "../lib/errors.ts";
import type { BatchService, StoredFile } from "../lib/tasks/batch.ts";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";
import { readLimit } from "./read_limit.ts";
import { visibleFile, visibleOwner } from "./visible.ts";

const LIMITS = { usual: 1_000, most: 10_000 };
const PURPOSES: readonly StoredFile["purpose"][] = ["batch", "batch_output"];

type Files = Pick<BatchService, "addFile" | "listFiles" | "getFile" | "readFile" | "removeFile">;

/** Files of batches, as OpenAI's Files API has them. Mounted at `/v1`. */
export function fileRoutes(
  service: Files,
  { maxFileBytes, clock = systemClock }: {
    readonly maxFileBytes: () => number;
    readonly clock?: Clock;
  },
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/files", async (c) => {
    const { readUpload } = await import("./read_upload.ts"); // its parser of forms takes a while to load
    const file = await readUpload(c.req.raw, {
      maxFileBytes: maxFileBytes(),
      clock,
      keep: (name, content) => service.addFile(name, content, ownerOf(c.get("client"))),
      check: checkPurpose,
      discard: ({ id }) => service.removeFile(id),
    });
    return c.json(fileObject(file));
  });
  routes.get("/files", (c) => {
    const after = c.req.query("after");
    if (after !== undefined) visibleFile(c, service, after);
    const page = service.listFiles({
      limit: readLimit(c.req.query("limit"), LIMITS),
      after,
      purpose: readPurpose(c),
      of: visibleOwner(c),
    });
    return c.json(listObject(page, fileObject));
  });
  routes.all("/files", allow("GET", "POST"));

  routes.get("/files/:id", (c) => c.json(fileObject(visibleFile(c, service, c.req.param("id")))));
  routes.delete("/files/:id", (c) => {
    const { id } = visibleFile(c, service, c.req.param("id"));
    service.removeFile(id);
    return c.json({ id, object: "file", deleted: true });
  });
  routes.all("/files/:id", allow("GET", "DELETE"));

  routes.get("/files/:id/content", (c) => contentOf(c, service, visibleFile(c, service, c.req.param("id"))));
  routes.all("/files/:id/content", allow("GET"));

  return routes;
}

/** Never a type that a browser would show: clients choose what is in it. */
function contentOf(c: Context<AppEnv>, service: Files, { id, sizeBytes }: StoredFile): Response {
  const headers = {
    "content-type": "application/octet-stream",
    "content-length": String(sizeBytes),
    "x-content-type-options": "nosniff",
  };
  if (c.req.method === "HEAD") return c.body(null, 200, headers); // nobody would read the content, or close it
  return c.body(service.readFile(id), 200, headers);
}

function checkPurpose(fields: ReadonlyMap<string, string>): void {
  const purpose = fields.get("purpose");
  if (purpose === "batch") return;
  const what = purpose === undefined
    ? "is missing; it must be batch"
    : "must be batch; other files are not kept here";
  throw new GatewayError("invalid_request", `"purpose" ${what}`, { field: "purpose" });
}

function readPurpose(c: Context<AppEnv>): StoredFile["purpose"] | undefined {
  const said = c.req.query("purpose");
  const purpose = PURPOSES.find((known) => known === said);
  if (said === undefined || purpose) return purpose;
  throw new GatewayError("invalid_request", `"purpose" must be one of ${PURPOSES.join(", ")}`, {
    field: "purpose",
  });
}
