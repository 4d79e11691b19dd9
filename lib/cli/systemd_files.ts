import { GatewayError } from "../errors.ts";
import type { RoleRequest } from "./systemd_role.ts";

/**
 * Looks whether a file is there before a service is installed that needs it.
 *
 * @param path Absolute, as the service will see it.
 * @param what Names it for people, such as `the model`.
 * @throws {GatewayError} `invalid_request` if it is not.
 */
export async function assertFile(
  path: string,
  what: string,
  { host, place, purpose }: Pick<RoleRequest, "host" | "place" | "purpose">,
): Promise<void> {
  if (purpose !== "install") return;
  const info = await host.readInfo((place.root ?? "") + path);
  if (info?.type === "file") return;
  const why = info ? "that is no file" : "there is no such file";
  throw new GatewayError("invalid_request", `Cannot take ${what} from "${path}": ${why}; correct the path`);
}
