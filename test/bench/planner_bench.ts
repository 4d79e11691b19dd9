import { planModel, type PlanRequest } from "../../lib/planner/plan.ts";
import { GIB, MIB } from "../../lib/units.ts";
import { LLAMA_405B } from "../fixtures/llama_content.ts";
import { backendOf } from "../fixtures/weighed_model.ts";

const GROUP = { group: "126 layers over 64 backends" };

/** 64 homelab machines, every fourth with its RAM only. */
function requestOf(slotCount: number, devicesGib: (number: number) => number): PlanRequest {
  return {
    name: "llama3.1:405b",
    content: LLAMA_405B,
    shape: { contextSize: 32_768, slotCount, kvType: "f16" },
    reserveBytes: 512 * MIB,
    backends: Array.from(
      { length: 64 },
      (_, number) =>
        backendOf(number, [{
          freeBytes: devicesGib(number) * GIB,
          kind: number % 4 === 0 ? "cpu" : "gpu",
        }]),
    ),
  };
}

const fitting = requestOf(1, (number) => 16 + number % 5 * 4);
const tight = requestOf(1, (number) => 18 + number % 3 * 0.3);
const tooSmall = requestOf(4, (number) => 16 + number % 3);

Deno.bench("auto: it fits", { ...GROUP, baseline: true }, () => {
  expectFit(fitting, true);
});

Deno.bench("auto: it fits only onto the 15 largest", GROUP, () => {
  expectFit(tight, true);
});

Deno.bench("even: it fits", GROUP, () => {
  expectFit({ ...fitting, strategy: "even" }, true);
});

Deno.bench("auto: it does not fit, with all suggestions", GROUP, () => {
  expectFit(tooSmall, false);
});

Deno.bench("even: it does not fit, with all suggestions", GROUP, () => {
  expectFit({ ...tooSmall, strategy: "even" }, false);
});

const thousand = {
  ...fitting,
  backends: Array.from(
    { length: 1_000 },
    (_, number) => backendOf(number, [{ freeBytes: 20 * GIB + number }]),
  ),
};

Deno.bench("auto: 1,000 backends", () => {
  expectFit(thousand, true);
});

const thousandTooSmall = {
  ...tooSmall,
  backends: Array.from(
    { length: 1_000 },
    (_, number) => backendOf(number, [{ freeBytes: 12 * GIB + number }]),
  ),
};

Deno.bench("auto: 1,000 backends, it does not fit, with all suggestions", () => {
  expectFit(thousandTooSmall, false);
});

Deno.bench("even: 1,000 backends, it does not fit, with all suggestions", () => {
  expectFit({ ...thousandTooSmall, strategy: "even" }, false);
});

const layers = Object.fromEntries(
  thousandTooSmall.backends.slice(-14).map(({ endpoint }) => [endpoint, 9]),
);

Deno.bench("as told: 1,000 backends, it does not fit, with all suggestions", () => {
  expectFit({ ...thousandTooSmall, strategy: { layers } }, false);
});

const besideCoordinator = {
  ...thousandTooSmall,
  hostMemoryKey: "ram of this host",
  backends: [
    ...thousandTooSmall.backends.slice(1),
    backendOf(1_000, [{ freeBytes: 20 * GIB, kind: "cpu", memoryKey: "ram of this host" }]),
  ],
};

Deno.bench("auto: 1,000 backends, one on the coordinator's host, it does not fit", () => {
  expectFit(besideCoordinator, false);
});

function expectFit(request: PlanRequest, fits: boolean): void {
  const result = planModel(request);
  if (result.fits !== fits) throw new Error(result.fits ? result.placement.because : result.message);
}
