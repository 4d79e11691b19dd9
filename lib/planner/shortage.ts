import { GatewayError } from "../errors.ts";

/** Why a model does not fit, and what would. All that fits was found by planning it. */
export interface Shortage {
  /** What it needs on the devices that there are: weights, KV cache, and the compute buffers of each. */
  readonly needBytes: number;
  /** What they have, without the reserve; memory that several share counts once. */
  readonly freeBytes: number;
  /** What is missing; 0 if there is enough in all, but not in pieces that whole layers can use. */
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
