import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { ServingCoordinator } from "../../../lib/coordinator/serving.ts";
import { buildTinyModel } from "../../../lib/gguf/tiny_model.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import type { PoolView } from "../../../lib/pool/pooled.ts";
import { THIS_HOST } from "../../../lib/registry/identity.ts";
import { MIB } from "../../../lib/units.ts";
import { coordinatorReport, placedDevice } from "../../fixtures/coordinator_reports.ts";
import { OllamaBed, type OllamaBedOptions } from "./ollama_bed.ts";

const TINY = {
  layers: 1,
  embeddingLength: 32,
  heads: 2,
  kvHeads: 1,
  feedForwardLength: 64,
  contextLength: 2_048,
};

/** A coordinator of "big" in 4,096 tokens, whose devices hold what is said, MiB. */
function coordinatorOf(
  devices: readonly {
    readonly kind?: "gpu" | "cpu";
    readonly endpoint?: string;
    readonly weightMib: number;
  }[],
  told: { readonly view?: Partial<PoolView>; readonly hostModelBytes?: number } = {},
) {
  const { hostModelBytes = 0, view } = told;
  const placed = devices.map(({ kind = "gpu", endpoint = "10.0.0.1:50052", weightMib }) => ({
    ...placedDevice(endpoint, { firstLayer: 0, layerCount: 1, hasOutput: false }),
    kind,
    actual: { weightBytes: weightMib * MIB, kvBytes: 2 * MIB, computeBytes: MIB },
  }));
  return {
    view: { ...coordinatorReport("big"), key: toWanted("big").key, isPinned: false, ...view },
    serving: {
      contextSize: 4_096,
      placement: { devices: placed, hostModelBytes, because: "" },
    } as Partial<ServingCoordinator> as ServingCoordinator,
  };
}

/** What `/api/ps` tells of coordinators; expiry in ms from now. */
async function psOf(coordinators: OllamaBedOptions["coordinators"], config = "") {
  await using bed = await OllamaBed.open({ ...(coordinators && { coordinators }), config });
  await bed.store.addModel("big", buildTinyModel(TINY));
  const before = Date.now();
  const { status, body } = await bed.ask("GET", "/api/ps");
  equal(status, 200);
  return body.models.map(({ expires_at: at, ...rest }: Record<string, string>) => ({
    ...rest,
    leftMs: Date.parse(at!) - before,
  }));
}

Deno.test("what our coordinators have in memory is told: bytes of all devices, of GPUs, context, and what the model is", async () => {
  const [big, ...others] = await psOf([coordinatorOf(
    [{ weightMib: 100 }, { kind: "cpu", endpoint: "10.0.0.2:50052", weightMib: 50 }],
    { hostModelBytes: 7 * MIB },
  )]);
  deepEqual(others, []);
  const { digest, leftMs: _left, details, ...told } = big;
  match(digest, /^[0-9a-f]{64}$/);
  deepEqual([details.family, details.format], ["llama", "gguf"]);
  deepEqual(told, {
    ...{ name: "big:latest", model: "big:latest", context_length: 4_096 },
    ...{ size: (103 + 53 + 7) * MIB, size_vram: 103 * MIB },
    sollol: { nodes: [], coordinators: ["c1"] },
  });
});

Deno.test("the bytes of a model that is whole on this host are counted once", async () => {
  const [big] = await psOf([
    coordinatorOf([{ kind: "cpu", endpoint: THIS_HOST, weightMib: 100 }], { hostModelBytes: 100 * MIB }),
  ]);
  deepEqual([big.size, big.size_vram], [103 * MIB, 0]);
});

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

for (
  const { name, view, least, most } of [
    {
      name: "an idle coordinator expires when it will be stopped",
      view: { expiresInMs: HOUR_MS },
      ...{ least: HOUR_MS, most: 1.5 * HOUR_MS },
    },
    {
      name: "a coordinator at work expires as if it became idle now",
      view: { expiresInMs: undefined },
      ...{ least: 3 * HOUR_MS, most: 3.5 * HOUR_MS },
    },
    {
      name: "a pinned coordinator never expires",
      view: { expiresInMs: HOUR_MS, isPinned: true },
      ...{ least: 200 * YEAR_MS, most: Infinity },
    },
    {
      name: "a coordinator that is never stopped never expires",
      view: { expiresInMs: null },
      ...{ least: 200 * YEAR_MS, most: Infinity },
    },
  ]
) {
  Deno.test(`/api/ps: ${name}`, async () => {
    const coordinators = [coordinatorOf([{ weightMib: 1 }], { view })];
    const [{ leftMs }] = await psOf(coordinators, "pool: { idle_ttl: 3h }\n");
    ok(leftMs >= least && leftMs < most, `${leftMs} ms are left`);
  });
}

Deno.test("/api/ps tells nothing of a coordinator that does not serve yet, or no more", async () => {
  const { view, serving } = coordinatorOf([{ weightMib: 1 }]);
  deepEqual(await psOf([{ view: { ...view, state: "starting" }, serving: undefined }]), []);
  deepEqual((await psOf([{ view, serving }])).length, 1);
});
