import { deepEqual } from "node:assert/strict";
import { parsePrintedUris } from "../../../lib/llama_cpp/private_apt.ts";

Deno.test("parsePrintedUris() reads names, versions with epochs, and sizes; other lines are passed over", () => {
  const output = "Reading package lists...\n" +
    "'http://m/debian/pool/main/l/llama.cpp/llama.cpp-tools_0.7.0%2bdfsg-2_amd64.deb' llama.cpp-tools_1%3a0.7.0+dfsg-2_amd64.deb 1642656 MD5Sum:97\n" +
    "'http://m/debian/pool/main/g/gcc-16/libstdc%2b%2b6_16.2.0-3_amd64.deb' libstdc++6_16.2.0-3_amd64.deb 823236 SHA256:0c\n" +
    "E: something\n'http://m/broken'\n";
  deepEqual(parsePrintedUris(output), [
    { name: "llama.cpp-tools", version: "1:0.7.0+dfsg-2", sizeBytes: 1642656 },
    { name: "libstdc++6", version: "16.2.0-3", sizeBytes: 823236 },
  ]);
});
