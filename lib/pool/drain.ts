import type { Pooled } from "./pooled.ts";
import type { Resident } from "./resident.ts";

/** Why a coordinator takes nothing new, and what comes then. */
export interface Drain {
  /** To make room for another model, which may yet do without; or because it has to end in any case. */
  readonly kind: "for room" | "for good";
  /** A sentence. */
  readonly because: string;
  /** Whether it is started again then, though nobody waits for it. */
  readonly startsAgain?: boolean;
  /** Those that make room with it: all are stopped when the last of them is idle. */
  readonly together?: readonly Resident<Pooled>[];
}
