import type { Environment } from "../config/environment.ts";
import { GatewayError, messageOf } from "../errors.ts";

/** The variable that holds the token where no flag does. */
export const TOKEN_VARIABLE = "SOLLOL_WORKER_TOKEN";

/** Where a token may come from, the first wins. */
export interface TokenSources {
  /** The token itself. */
  readonly token: string | undefined;
  /** Path of a file that holds it; space around it is ignored. */
  readonly tokenFile: string | undefined;
  /** Its {@linkcode TOKEN_VARIABLE} is read. */
  readonly env: Environment;
}

/**
 * The token that the gateway wants; `undefined` if there is none.
 *
 * @throws {GatewayError} `invalid_request` if the file cannot be read, or what it holds cannot be a token. The token
 * is not repeated.
 */
export async function readWorkerToken({ token, tokenFile, env }: TokenSources): Promise<string | undefined> {
  if (token !== undefined) return checked(token, "--token");
  if (tokenFile === undefined) {
    const text = env[TOKEN_VARIABLE]?.trim();
    return text ? checked(text, TOKEN_VARIABLE) : undefined;
  }
  try {
    return checked((await Deno.readTextFile(tokenFile)).trim(), tokenFile);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    const message = `Cannot read the token from "${tokenFile}": ${messageOf(error)}`;
    throw new GatewayError("invalid_request", message, { cause: error });
  }
}

/** The environment for programs that must not know the token. */
export function withoutToken(env: Environment): Record<string, string> {
  const entries = Object.entries(env).filter(([name, value]) =>
    name !== TOKEN_VARIABLE && value !== undefined
  );
  return Object.fromEntries(entries) as Record<string, string>;
}

/** What is sent in a header must be one word of printable ASCII. */
function checked(token: string, source: string): string {
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token;
  const why = token === "" ? "it is empty" : "it is no single word of printable ASCII characters";
  throw new GatewayError("invalid_request", `Cannot use the token of ${source}: ${why}; write the gateway's`);
}
