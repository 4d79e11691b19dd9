import type { GgufModel } from "../gguf/model_info.ts";
import type { Placement } from "./placement.ts";
import type { PlanShape } from "./plan_input.ts";
import type { SurveyPlan } from "./plan_surveys.ts";
import type { Shortage } from "./shortage.ts";
import type { LeftOut } from "./survey.ts";

/** A plan for people and scripts; what `POST /api/admin/plan` answers. Of what does not fit, lists are empty. */
export interface PlanReport
  extends Pick<Placement, "devices" | "endpoints" | "tensorSplit" | "because" | "reasons"> {
  /** The model's name. */
  readonly model: string;
  /** Such as `llama`. */
  readonly architecture: string;
  /** Such as `Q4_K_M`. */
  readonly fileType: string;
  /** Transformer blocks; there is one output layer beside them. */
  readonly layerCount: number;
  /** Tokens of one slot. */
  readonly contextSize: number;
  /** Requests at a time. */
  readonly slotCount: number;
  /** Type of the KV cache. */
  readonly kvType: string;
  /** Whether there is room. */
  readonly fits: boolean;
  /** What the memory of the gateway's host must take: the embeddings, and for computing; at most, if it does not fit. */
  readonly hostBytes: number;
  /** How long the weights take to their backends; `null` if nobody knows their speed. */
  readonly loadMs: number | null;
  /** What goes where, or what is missing and what would fit, in a sentence or two. */
  readonly because: string;
  /** Backends that could not be planned with. */
  readonly leftOut: readonly LeftOut[];
  /** What is missing, and what would fit; `null` if it fits. */
  readonly shortage: Shortage | null;
}

/** Puts together what a plan says. */
export function toPlanReport(
  model: string,
  content: Pick<GgufModel, "architecture" | "fileType" | "blockCount">,
  { contextSize, slotCount, kvType }: PlanShape,
  { survey, result }: SurveyPlan,
): PlanReport {
  const { architecture, fileType, blockCount: layerCount } = content;
  const asked = { model, architecture, fileType, layerCount, contextSize, slotCount, kvType };
  const { leftOut } = survey;
  if (!result.fits) {
    const nothing = { devices: [], endpoints: [], tensorSplit: [], reasons: [] };
    const { message: because, shortage, model: { hostBytes } } = result;
    return { ...asked, fits: false, ...nothing, hostBytes, loadMs: null, because, leftOut, shortage };
  }
  const { devices, endpoints, tensorSplit, hostBytes, loadMs = null, because, reasons } = result.placement;
  return {
    ...asked,
    fits: true,
    devices,
    endpoints,
    tensorSplit,
    hostBytes,
    loadMs,
    because,
    reasons,
    leftOut,
    shortage: null,
  };
}
