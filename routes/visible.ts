import type { Context } from "hono";
import { visibleTo } from "../lib/auth/owner.ts";
import type { Batch, BatchService, Owned, StoredFile } from "../lib/tasks/batch.ts";
import { noSuchBatch, noSuchFile } from "../lib/tasks/not_found.ts";
import type { AppEnv } from "./app_env.ts";

/** Whose files and batches a client sees; `undefined` for all. */
export function visibleOwner(c: Context<AppEnv>): Owned | undefined {
  const visible = visibleTo(c.get("client"));
  return visible === "all" ? undefined : visible;
}

/**
 * A file that the client may see.
 *
 * @throws {GatewayError} `not_found`, in the same words whether it is not there or another's.
 */
export function visibleFile(
  c: Context<AppEnv>,
  service: Pick<BatchService, "getFile">,
  id: string,
): StoredFile {
  const file = service.getFile(id);
  if (isVisible(c, file)) return file;
  throw noSuchFile(id);
}

/** The same of a batch. @throws {GatewayError} `not_found`. */
export function visibleBatch(
  c: Context<AppEnv>,
  service: Pick<BatchService, "getBatch">,
  id: string,
): Batch {
  const batch = service.getBatch(id);
  if (isVisible(c, batch)) return batch;
  throw noSuchBatch(id);
}

function isVisible(c: Context<AppEnv>, thing: Pick<Batch | StoredFile, "owner">): boolean {
  const of = visibleOwner(c);
  return of === undefined || of.owner === thing.owner;
}
