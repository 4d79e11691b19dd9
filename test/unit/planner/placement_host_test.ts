import { equal, match, ok, throws } from "node:assert/strict";
import type { PlanModel } from "../../../lib/planner/model_need.ts";
import { planPlacement } from "../../../lib/planner/placement.ts";
import type { PlanBackend } from "../../../lib/planner/plan_input.ts";
import { InsufficientMemoryError } from "../../../lib/planner/shortage.ts";
import { GIB } from "../../../lib/units.ts";
import { backendOf, equalLayers, gib, gpusOf, weighedModelOf } from "../../fixtures/weighed_model.ts";

const HOST = "ram of this host";
const onHost = (number: number, freeGib: number): PlanBackend =>
  backendOf(number, [{ freeBytes: gib(freeGib), kind: "cpu", memoryKey: HOST }]);
const hosted = weighedModelOf({ layers: equalLayers(8, GIB), embeddingBytes: GIB, hostComputeBytes: GIB });

Deno.test("planPlacement() says what the coordinator's host needs, by the devices that hold something", () => {
  const both = planPlacement(hosted, gpusOf([5, 5]));
  equal(both.hostBytes, gib(3));
  ok(
    both.reasons.includes(
      "1.0 GiB of embeddings and 2.0 GiB for computing stay on the coordinator's host",
    ),
    both.reasons.join("\n"),
  );
  equal(planPlacement(hosted, gpusOf([9])).hostBytes, gib(2));
});

for (
  const { name, hostFreeBytes, warns } of [
    { name: "warns of", hostFreeBytes: gib(2) - 1, warns: true },
    { name: "does not mention", hostFreeBytes: gib(2), warns: false },
    { name: "does not guess", hostFreeBytes: undefined, warns: false },
  ]
) {
  Deno.test(`planPlacement() ${name} a coordinator's host with ${hostFreeBytes} bytes for 2 GiB`, () => {
    const { reasons } = planPlacement(hosted, gpusOf([9]), { hostFreeBytes });
    const warning = "The coordinator's host has only 2.0 GiB available for these 2.0 GiB: it may swap; " +
      "free memory there, or lower the context or the slots";
    equal(reasons.includes(warning), warns, reasons.join("\n"));
  });
}

Deno.test("planPlacement() takes what the coordinator needs off the memory of its own host, once", () => {
  const options = { hostMemoryKey: HOST, reserveBytes: GIB };
  const { devices, reasons } = planPlacement(hosted, [onHost(0, 12)], options);
  equal(devices[0]!.freeBytes, gib(12));
  equal(devices[0]!.freeAfterBytes, gib(12) - gib(8) - gib(3));
  ok(
    reasons.includes(
      "10.0.0.2:50052 is on the coordinator's own host, which takes up to 3.0 GiB of its memory",
    ),
    reasons.join("\n"),
  );
  const spread = planPlacement(hosted, [onHost(0, 8), onHost(1, 8), ...gpusOf([5], 2)], options);
  const takenBytes = spread.devices.filter(({ endpoint }) => endpoint !== "10.0.0.4:50052")
    .reduce((sum, { needBytes }) => sum + needBytes, 0);
  ok(takenBytes <= gib(8 - 3 - 1), `${takenBytes / GIB}`);
});

Deno.test("planPlacement() refuses what fits only without the coordinator on the same host, with the numbers", () => {
  throws(() => planPlacement(hosted, [onHost(0, 10)], { hostMemoryKey: HOST }), (error) => {
    ok(error instanceof InsufficientMemoryError);
    match(
      error.message,
      /1 rpc backend has 7\.0\d* GiB free beside 3\.0\d* GiB for the coordinator itself; 1\.0/,
    );
    equal(error.shortage.missingBytes, GIB);
    return true;
  });
  planPlacement(hosted, [onHost(0, 10)], { hostMemoryKey: "ram of 10.0.0.2" });
});

Deno.test("planPlacement() counts as missing what the coordinator lacks on its own host, too", () => {
  const options = { hostMemoryKey: HOST, reserveBytes: GIB };
  throws(() => planPlacement(hosted, [onHost(0, 3)], options), (error) => {
    ok(error instanceof InsufficientMemoryError);
    equal(error.shortage.missingBytes, gib(8 + 1));
    return true;
  });
  planPlacement(hosted, [onHost(0, 3 + 9)], options);
});

Deno.test("planPlacement() counts with what the coordinator needs less when it suggests a smaller context", () => {
  const model = {
    ...hosted,
    hostBytes: gib(3),
    reshape: (shape: PlanModel["shape"]) => ({
      ...hosted,
      shape,
      hostBytes: shape.contextSize / 4096 * gib(3),
    }),
  };
  throws(() => planPlacement(model, [onHost(0, 10)], { hostMemoryKey: HOST }), (error) => {
    ok(error instanceof InsufficientMemoryError);
    equal(error.shortage.fittingContextSize, Math.floor(4096 * 2 / 3 / 256) * 256);
    return true;
  });
});
