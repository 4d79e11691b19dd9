import { equal } from "node:assert/strict";
import { renderWrapper } from "../../../lib/llama_cpp/wrapper.ts";

Deno.test("renderWrapper() execs the program by the loader, with every path quoted and beside the script", () => {
  const script = renderWrapper({
    name: "ggml-rpc-server",
    program: "root/usr/libexec/ggml-rpc-server",
    loader: "root/usr/lib/ld.so",
    libraryPath: ["root/usr/lib", "root/usr/lib/llama"],
  });
  equal(
    script,
    `#!/bin/sh
self=$(readlink -f "$0")
install=\${self%/bin/*}
exec "$install/root/usr/lib/ld.so" --library-path "$install/root/usr/lib:$install/root/usr/lib/llama" ` +
      `--argv0 ggml-rpc-server "$install/root/usr/libexec/ggml-rpc-server" "$@"\n`,
  );
});
