import type { Context } from "hono";
import type { AppEnv } from "./app_env.ts";

/**
 * Which coordinator a path means, by id or by model: the parameter `target`, which ends with `suffix`. Names hold
 * slashes, so the parameter is all of the path; one whose slashes are escaped is never taken for a path with a suffix.
 */
export function targetOf(c: Context<AppEnv>, suffix = ""): string {
  const target = c.req.param("target") ?? "";
  return target.slice(0, target.length - suffix.length);
}
