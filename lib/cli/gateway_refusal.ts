import * as z from "zod";
import { API_KEY_VARIABLE } from "../config/environment.ts";
import { type ErrorCode, GatewayError, STATUS } from "../errors.ts";

const errorBody = z.looseObject({ error: z.looseObject({ code: z.string(), message: z.string() }) });

/** The gateway's own sentence about why it refused, from JSON; `undefined` if that is not a gateway's error. */
export function refusalOf(said: unknown): GatewayError | undefined {
  const parsed = errorBody.safeParse(said);
  if (!parsed.success) return undefined;
  const { code, message } = parsed.data.error;
  if (code === "unauthorized") {
    return new GatewayError(
      code,
      `The gateway wants an API key that it knows; give it with --token KEY, or in $${API_KEY_VARIABLE}`,
    );
  }
  return new GatewayError(isErrorCode(code) ? code : "upstream_failed", message);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(STATUS, code);
}
