import type { LoadRecord } from "../store/load_rows.ts";
import type { VerifiedPlacement } from "./placement_check.ts";

/** A load, what was planned for it and what came of it. */
export interface LoadedModel {
  /** The model's name. */
  readonly model: string;
  /** Such as `llama`. */
  readonly architecture: string;
  /** Of llama.cpp, such as `b11669`, where known. */
  readonly build: string | undefined;
  /** Planned and actual bytes of each device. */
  readonly placement: VerifiedPlacement;
  /** What the planned compute bytes had been multiplied with. */
  readonly computeCorrection: number;
  /** From the start of the process to its first answer, ms. */
  readonly loadMs: number;
}

/** What is kept of it: what was estimated before earlier loads corrected it, lest corrections correct themselves. */
export function toLoadRecord({ placement, computeCorrection, ...load }: LoadedModel): LoadRecord {
  const devices = placement.devices.map((device) => {
    const { endpoint, deviceIndex, weightBytes, kvBytes, actual } = device;
    const computeBytes = Math.round(device.computeBytes / computeCorrection);
    return { endpoint, deviceIndex, estimated: { weightBytes, kvBytes, computeBytes }, actual };
  });
  return { ...load, devices };
}
