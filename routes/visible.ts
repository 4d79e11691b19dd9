import type { Context } from "hono";
import { visibleTo } from "../lib/auth/owner.ts";
import { GatewayError } from "../lib/errors.ts";
import type { Owned } from "../lib/tasks/batch.ts";
import type { AppEnv } from "./app_env.ts";

/** Whose files and batches a client sees; `undefined` for all. */
export function visibleOwner(c: Context<AppEnv>): Owned | undefined {
  const visible = visibleTo(c.get("client"));
  return visible === "all" ? undefined : visible;
}

/**
 * The same thing, if the client may see it.
 *
 * @throws {GatewayError} `not_found`, as for one that is not there: nobody learns by it what others have.
 */
export function requireVisible<Thing extends { readonly id: string; readonly owner?: string | undefined }>(
  c: Context<AppEnv>,
  thing: Thing,
  what: "file" | "batch",
): Thing {
  const visible = visibleOwner(c);
  if (visible === undefined || visible.owner === thing.owner) return thing;
  const list = what === "file" ? "GET /v1/files" : "GET /v1/batches";
  throw new GatewayError(
    "not_found",
    `Cannot find ${what} ${JSON.stringify(thing.id)}; ${list} lists those of this key`,
  );
}
