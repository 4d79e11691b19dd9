import { deepEqual, equal } from "node:assert/strict";
import { coordinatorEnvironment, defaultLoadTimeoutMs } from "../../../lib/coordinator/launch.ts";
import { GIB } from "../../../lib/units.ts";

Deno.test("coordinatorEnvironment() keeps what programs need and drops what would change options or tell secrets", () => {
  const ours = {
    PATH: "/bin",
    LD_LIBRARY_PATH: "/cuda",
    CUDA_VISIBLE_DEVICES: "0",
    LLAMA_ARG_RPC: "10.0.0.9:1",
    LLAMA_API_KEY: "theirs",
    MTMD_BACKEND_DEVICE: "CUDA0",
    SOLLOL_API_KEY: "ours",
  };
  deepEqual(coordinatorEnvironment(ours, { LLAMA_API_KEY: "own" }), {
    PATH: "/bin",
    LD_LIBRARY_PATH: "/cuda",
    CUDA_VISIBLE_DEVICES: "0",
    LLAMA_API_KEY: "own",
  });
});

Deno.test("defaultLoadTimeoutMs() is a minute at least and grows with the model", () => {
  equal(defaultLoadTimeoutMs(0), 60_000);
  equal(Math.round(defaultLoadTimeoutMs(70 * GIB) / 60_000), 64);
});
