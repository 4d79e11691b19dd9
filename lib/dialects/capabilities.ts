import type { GgufModel } from "../gguf/model_info.ts";
import type { ModelTraits } from "../gguf/model_traits.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import type { Capability } from "./served_model.ts";

/** What of a model tells what it can do. */
export interface CapabilitySources {
  /** Of its GGUF. */
  readonly content: Pick<GgufModel, "architecture" | "chatTemplate" | "traits">;
  /** Of its manifest. */
  readonly stored: Pick<ResolvedModel, "template" | "projectorPaths">;
  /** Of its projector's GGUF; where that was not read, it is taken for one that sees. */
  readonly projector?: ModelTraits | undefined;
}

/**
 * What a model can do where its GGUF's own chat template is used, in Ollama's order.
 *
 * @see `Capabilities` in server/images.go, ollama 0.33
 */
export function capabilitiesOf({ content, stored, projector }: CapabilitySources): ReadonlySet<Capability> {
  const { traits, chatTemplate = "" } = content;
  const hasProjector = stored.projectorPaths.length > 0;
  const can: Record<Capability, boolean> = {
    completion: traits.pooling === undefined,
    embedding: traits.pooling !== undefined,
    tools: mentions(chatTemplate, /\btools\b/),
    insert: traits.canInfill || /\.Suffix\b/.test(stored.template ?? ""),
    vision: traits.hasVision || (hasProjector && (projector?.hasVision ?? true)),
    audio: traits.hasAudio || (hasProjector && (projector?.hasAudio ?? false)),
    thinking: isThinking(content.architecture, chatTemplate),
  };
  return new Set(ORDER.filter((capability) => can[capability]));
}

const ORDER: readonly Capability[] = [
  "completion",
  "embedding",
  "vision",
  "audio",
  "tools",
  "insert",
  "thinking",
];

/** gpt-oss thinks in channels of its own, which its template does not name so. */
function isThinking(architecture: string, chatTemplate: string): boolean {
  if (architecture === "gptoss" || architecture === "gpt-oss") return true;
  return /<\/?think>|<\|?(begin_of_thought|thinking)/.test(chatTemplate) ||
    mentions(chatTemplate, /\b(enable_thinking|reasoning_content|thinking)\b/);
}

/** Whether the template's own code, not the text around it, uses a name. */
function mentions(chatTemplate: string, name: RegExp): boolean {
  return (chatTemplate.match(/\{[%{][^]*?[%}]\}/g) ?? []).some((code) => name.test(code));
}
