import { Hono } from "hono";
import * as z from "zod";
import { ownerOf } from "../lib/auth/owner.ts";
import { batchObject, listObject } from "../lib/dialects/openai_batch.ts";
import { BATCH_ENDPOINTS, type BatchService } from "../lib/tasks/batch.ts";
import type { AppEnv } from "./app_env.ts";
import { allow } from "./middleware/allow.ts";
import { readJson } from "./read_json.ts";
import { readLimit } from "./read_limit.ts";
import { visibleBatch, visibleFile, visibleOwner } from "./visible.ts";

/** A few short fields. */
const MAX_BODY_BYTES = 64 * 1024;
const LIMITS = { usual: 20, most: 100 };

const newBatch = z.object({
  input_file_id: z.string(),
  endpoint: z.enum(BATCH_ENDPOINTS),
  completion_window: z.string(),
  metadata: z.record(z.string(), z.string()).nullish(),
});

/** Batches, as OpenAI's Batch API has them. Mounted at `/v1`. */
export function batchRoutes(
  service: Pick<BatchService, "createBatch" | "listBatches" | "getBatch" | "cancelBatch" | "getFile">,
): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.post("/batches", async (c) => {
    const said = await readJson(c.req.raw, { schema: newBatch, maxBytes: MAX_BODY_BYTES });
    visibleFile(c, service, said.input_file_id);
    const batch = service.createBatch({
      inputFileId: said.input_file_id,
      endpoint: said.endpoint,
      completionWindow: said.completion_window,
      metadata: said.metadata ?? {},
      owner: ownerOf(c.get("client")),
    });
    return c.json(batchObject(batch));
  });
  routes.get("/batches", (c) => {
    const [limit, after] = [readLimit(c.req.query("limit"), LIMITS), c.req.query("after")];
    if (after !== undefined) visibleBatch(c, service, after);
    return c.json(listObject(service.listBatches({ limit, after, of: visibleOwner(c) }), batchObject));
  });
  routes.all("/batches", allow("GET", "POST"));

  routes.get("/batches/:id", (c) => {
    return c.json(batchObject(visibleBatch(c, service, c.req.param("id"))));
  });
  routes.all("/batches/:id", allow("GET"));

  routes.post("/batches/:id/cancel", (c) => {
    const { id } = visibleBatch(c, service, c.req.param("id"));
    return c.json(batchObject(service.cancelBatch(id)));
  });
  routes.all("/batches/:id/cancel", allow("POST"));

  return routes;
}
