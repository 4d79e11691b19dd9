import { GatewayError } from "../errors.ts";

/** Why a model does not fit, and what would. All that fits was found by planning it. */
export interface Shortage {
  /**
   * What it needs on the devices that there are: weights, KV cache, and the compute buffers of those that would hold
   * something, dealt so that least is missing.
   */
  readonly needBytes: number;
  /** What those devices have that can be used at once, without the reserve; memory that several share counts once. */
  readonly freeBytes: number;
  /**
   * What is missing: with so much more on the largest device it fits, or, where the layers of each are settled, with
   * what each lacks. More than the need less what is free if whole layers cannot use all of each device.
   */
  readonly missingBytes: number;
  /** The most tokens of one slot that would fit, a multiple of 256; `undefined` if none does. */
  readonly fittingContextSize: number | undefined;
  /** The first of `q8_0` and `q4_0` that would fit with this context; `undefined` if none does. */
  readonly fittingKvType: string | undefined;
  /** Free memory that one more backend would need, reserve and compute buffer included. */
  readonly neededBackendBytes: number | undefined;
  /** The largest file of the same model, quantised further, that would fit; only where no context does. */
  readonly fittingFileBytes: number | undefined;
  /** Whether it would fit if layers were dealt by memory, where the operator wants them dealt otherwise. */
  readonly fitsWithAuto: boolean;
}

/** A model does not fit: the sentence, and the numbers behind it. */
export class InsufficientMemoryError extends GatewayError {
  /**
   * Its code is `insufficient_memory`.
   *
   * @param shortage What is missing, and what would fit.
   * @param message A sentence for a person.
   */
  constructor(readonly shortage: Shortage, message: string) {
    super("insufficient_memory", message);
  }
}
