import { equal, match } from "node:assert/strict";
import { GatewayError } from "../../../lib/errors.ts";
import { until } from "../../fixtures/until.ts";
import { GatewayBed } from "./gateway_bed.ts";

/** Chats with the usual model, and reads the answer to its end. */
async function answered(bed: GatewayBed): Promise<void> {
  const response = await bed.chat();
  equal(response.status, 200);
  await response.text();
}

Deno.test("a model that fits nowhere is refused, and the loaded one keeps its place", async () => {
  await using bed = await GatewayBed.open({
    models: ["fake", "large"],
    refuseMisfit: ({ name }) => {
      if (!name.startsWith("large")) return;
      throw new GatewayError("insufficient_memory", "Cannot place it: 8.7 GiB are missing");
    },
  });
  await answered(bed);
  const refused = await bed.chat({ model: "large" });
  equal(refused.status, 507);
  match((await refused.json()).error.message, /8.7 GiB are missing/);
  await answered(bed);
  equal(bed.coordinators.length, 1, "the loaded model was loaded again");
});

Deno.test("a model that fits nowhere is refused also while another one loads, and does not wait for it", async () => {
  const loaded = Promise.withResolvers<void>();
  await using bed = await GatewayBed.open({
    models: ["fake", "large"],
    start: async (model) => {
      await loaded.promise;
      return bed.fake(model.key);
    },
    refuseMisfit: ({ name }) => {
      if (name.startsWith("large")) throw new GatewayError("insufficient_memory", "8.7 GiB are missing");
    },
  });
  const first = answered(bed);
  await until(() => bed.logLines.some(({ state }) => state === "starting"), "the first one loads");
  const refused = await bed.chat({ model: "large" });
  equal(refused.status, 507);
  await refused.text();
  loaded.resolve();
  await first;
  equal(bed.coordinators.length, 1);
});
