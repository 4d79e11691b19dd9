import { equal } from "node:assert/strict";
import { correctionFactor, medianBytesPerSecond } from "../../../lib/store/load_lessons.ts";
import type { LoadedDevice } from "../../../lib/store/load_rows.ts";
import { GIB, MIB } from "../../../lib/units.ts";

function device(estimatedCompute: number, actualCompute: number, weightBytes = GIB): LoadedDevice {
  return {
    endpoint: "a:1",
    deviceIndex: 0,
    estimated: { weightBytes, kvBytes: 0, computeBytes: estimatedCompute },
    actual: { weightBytes, kvBytes: 0, computeBytes: actualCompute },
  };
}

for (
  const { name, buffers, want } of [
    { name: "is 1 if nothing is known", buffers: [], want: 1 },
    { name: "is the largest of all devices", buffers: [[10, 12], [10, 15], [10, 9]], want: 1.5 },
    { name: "can be below 1", buffers: [[10, 8], [10, 7]], want: 0.8 },
    { name: "is never above 4", buffers: [[10, 900]], want: 4 },
    { name: "is never below a half", buffers: [[900, 10]], want: 0.5 },
    { name: "does not learn from small actual buffers", buffers: [[10, 0.9], [10, 11]], want: 1.1 },
    { name: "does not learn from small estimates", buffers: [[0.1, 100]], want: 1 },
    { name: "does not divide by an estimate of nothing", buffers: [[0, 100]], want: 1 },
  ] as { name: string; buffers: [number, number][]; want: number }[]
) {
  Deno.test(`correctionFactor() ${name}`, () => {
    const devices = buffers.map(([estimated, actual]) => device(estimated * MIB, actual * MIB));
    equal(correctionFactor([{ devices }]), want);
  });
}

for (
  const { name, loads, want } of [
    { name: "is undefined if nothing is known", loads: [], want: undefined },
    { name: "is the middle of three", loads: [[1, 1_000], [9, 1_000], [2, 1_000]], want: 2 * GIB },
    {
      name: "is between the middle two of four",
      loads: [[1, 500], [1, 1_000], [4, 1_000], [9, 500]],
      want: 3 * GIB,
    },
    { name: "does not learn from a small model", loads: [[0.2, 1], [1, 2_000]], want: GIB / 2 },
    { name: "does not learn from a load that took no time", loads: [[1, 0]], want: undefined },
  ] as { name: string; loads: [number, number][]; want: number | undefined }[]
) {
  Deno.test(`medianBytesPerSecond() ${name}`, () => {
    const records = loads.map(([gib, loadMs]) => ({ loadMs, devices: [device(0, 0, gib * GIB)] }));
    equal(medianBytesPerSecond(records), want);
  });
}

Deno.test("medianBytesPerSecond() counts the weights of all devices of a load", () => {
  equal(medianBytesPerSecond([{ loadMs: 4_000, devices: [device(0, 0), device(0, 0)] }]), GIB / 2);
});
