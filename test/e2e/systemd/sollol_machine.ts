import { join } from "node:path";
import { bundle, BUNDLE_FILE } from "../../build/bundle.ts";
import { packPortable } from "../../build/pack_portable.ts";
import { testPrefix } from "../llama_cpp.ts";
import { BootedSystemd } from "./booted_systemd.ts";

const DENO = "/opt/sollol/deno";

/** Where sollol is inside: a file that any user can execute. */
export const SOLLOL = "/usr/local/bin/sollol";

/** Where sollol finds llama.cpp by itself inside. */
export const LLAMA_CPP = "/opt/sollol/llama.cpp";

/** The real `ggml-rpc-server` inside. */
export const RPC_SERVER = `${LLAMA_CPP}/bin/ggml-rpc-server`;

/** A machine with the tests' llama.cpp on it, which must be installed. */
export function bootWithLlamaCpp(): Promise<BootedSystemd> {
  return BootedSystemd.boot({
    binds: [{ from: testPrefix(), to: LLAMA_CPP }, { from: Deno.execPath(), to: DENO }],
  });
}

/** Puts sollol into a machine, in its portable form; all that is not in that file is Deno itself, which takes long to pack. */
export async function addSollol(machine: BootedSystemd): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "sollol-machine-" });
  try {
    const content = join(directory, "content");
    await bundle(content);
    const start = `const { main } = await import("./${BUNDLE_FILE}");\nawait main();\n`;
    await Deno.writeTextFile(join(content, "start.js"), start);
    await Deno.writeTextFile(join(content, "LICENSES"), "");
    await Deno.writeTextFile(join(content, "deno"), `#!/bin/sh\nexec ${DENO} "$@"\n`, { mode: 0o755 });
    await packPortable(content, Deno.build.arch, machine.path(SOLLOL));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
