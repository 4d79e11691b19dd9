import { GatewayError } from "../errors.ts";

/** The refusal of what could not be kept. @param what What could not be done, such as `begin the batch`. */
export function notKept(what: string): GatewayError {
  return new GatewayError(
    "upstream_failed",
    `Cannot ${what}: the state directory cannot be written; free the disk, or name a state_dir that can be written`,
  );
}
