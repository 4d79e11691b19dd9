import { messageOf } from "../../lib/errors.ts";
import { requireProgram } from "../../lib/llama_cpp/find.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { ensureLlamaCpp } from "./llama_cpp.ts";

/**
 * Registers a test that needs the real llama.cpp.
 *
 * @param options `skip` says why it cannot run here, if it cannot.
 */
export type LlamaTest = (
  name: string,
  body: (programs: RealPrograms) => Promise<void>,
  options?: { readonly skip: string | undefined },
) => void;

/** Finds llama.cpp, or installs it; where it cannot be had the tests are skipped and their names say why. */
export async function withLlamaCpp(): Promise<LlamaTest> {
  const found = await findPrograms();
  return (name, body, { skip } = { skip: undefined }) => {
    if (typeof found !== "string" && skip === undefined) return Deno.test(name, () => body(found));
    const reason = skip ?? `no llama.cpp: ${found}`;
    Deno.test({ name: `${name} (skipped: ${reason})`, ignore: true, fn: () => {} });
  };
}

/** The real programs, installed where they are missing; or the sentence that says why they cannot be had. */
export async function findPrograms(): Promise<RealPrograms | string> {
  try {
    const { llamaServer, rpcServer } = await ensureLlamaCpp();
    return { llamaServer: requireProgram(llamaServer), rpcServer: requireProgram(rpcServer) };
  } catch (error) {
    return messageOf(error);
  }
}
