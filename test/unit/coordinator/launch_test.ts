import { deepEqual, equal } from "node:assert/strict";
import {
  coordinatorEnvironment,
  defaultLoadTimeoutMs,
  toLaunchOptions,
} from "../../../lib/coordinator/launch.ts";
import { placeWhole } from "../../../lib/planner/place_whole.ts";
import { type Placement, planPlacement } from "../../../lib/planner/placement.ts";
import { GIB } from "../../../lib/units.ts";
import { LLAMA_70B } from "../../fixtures/llama_content.ts";
import { equalLayers, gpusOf, weighedModelOf } from "../../fixtures/weighed_model.ts";

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

Deno.test("toLaunchOptions() names no rpc devices for a model that is whole on this host", () => {
  const launch = {
    ...{ program: "llama-server", model: "m", modelPath: "/m.gguf", modelBytes: 1 },
    ...{ slotContextSize: 4096, slotCount: 1 },
  };
  const rpcOf = (placement?: Placement) =>
    toLaunchOptions({ ...launch, placement }, { transport: "unix", path: "/s.sock" }, "key").rpc;
  const model = weighedModelOf({ layers: equalLayers(3, 1) });
  deepEqual(rpcOf(planPlacement(model, gpusOf([1]))), {
    endpoints: ["10.0.0.2:50052"],
    deviceNames: ["RPC0"],
    tensorSplit: [4],
  });
  const room = { place: "this host", memories: [], reserveBytes: 0, besideBytes: 0 };
  equal(rpcOf(placeWhole(model, LLAMA_70B, room)), undefined);
  equal(rpcOf(), undefined);
});
