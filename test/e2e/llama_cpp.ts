import { join } from "node:path";
import { findLlamaCpp, type LlamaCpp } from "../../lib/llama_cpp/find.ts";
import { setupLlamaCpp } from "../../lib/llama_cpp/setup.ts";

/**
 * Where the tests keep their llama.cpp from one run to the next: `SOLLOL_TEST_LLAMA_PREFIX`, else a
 * directory of the user's cache.
 */
export function testPrefix(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  return Deno.env.get("SOLLOL_TEST_LLAMA_PREFIX") ?? join(cache, "sollol-test/llama.cpp");
}

/**
 * The real llama-server and ggml-rpc-server, installed on the first call of the first test process; others
 * wait for it. Takes about 10 s once and 0.1 s from then on.
 *
 * @throws {GatewayError} If this host cannot install them; its message is the reason to skip a test for.
 */
export async function ensureLlamaCpp(): Promise<LlamaCpp> {
  const prefix = testPrefix();
  await setupLlamaCpp({ prefix });
  return await findLlamaCpp({ prefix, env: {} });
}
