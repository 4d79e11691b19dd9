import { deepEqual } from "node:assert/strict";
import { capabilitiesOf, type CapabilitySources } from "../../../lib/dialects/capabilities.ts";
import type { ModelTraits } from "../../../lib/gguf/model_traits.ts";

const NONE: ModelTraits = { pooling: undefined, hasVision: false, hasAudio: false, canInfill: false };

interface Told {
  readonly architecture?: string;
  readonly chatTemplate?: string;
  readonly traits?: Partial<ModelTraits>;
  readonly template?: string;
  readonly projectorPaths?: readonly string[];
  readonly projector?: ModelTraits;
}

function sourcesOf(
  { architecture = "llama", chatTemplate, traits, template, projectorPaths = [], projector }: Told,
) {
  return {
    content: { architecture, chatTemplate, traits: { ...NONE, ...traits } },
    stored: { template, projectorPaths },
    projector,
  } as CapabilitySources;
}

const projectorPaths = ["/p.gguf"];

for (
  const { name, told, want } of [
    { name: "a plain model completes", told: {}, want: ["completion"] },
    {
      name: "one that pools embeds and does nothing else",
      told: { traits: { pooling: "mean" } },
      want: ["embedding"],
    },
    {
      name: "one whose template lists tools calls them",
      told: { chatTemplate: "{% if tools %}{{ tools | tojson }}{% endif %}" },
      want: ["completion", "tools"],
    },
    {
      name: "one whose template only speaks of tools calls none",
      told: { chatTemplate: "You have no tools.{% for m in messages %}{{ m.content }}{% endfor %}" },
      want: ["completion"],
    },
    {
      name: "one whose template can switch thinking off thinks",
      told: { chatTemplate: "{% if enable_thinking is false %}<think>{% endif %}" },
      want: ["completion", "thinking"],
    },
    {
      name: "one that writes what it thought into its prompt thinks",
      told: { chatTemplate: "{{ message.reasoning_content }}" },
      want: ["completion", "thinking"],
    },
    { name: "gpt-oss thinks", told: { architecture: "gpt-oss" }, want: ["completion", "thinking"] },
    {
      name: "one with tokens for a gap fills in",
      told: { traits: { canInfill: true } },
      want: ["completion", "insert"],
    },
    {
      name: "one whose Go template has a suffix fills in",
      told: { template: "{{ .Prompt }}<SUF>{{ .Suffix }}" },
      want: ["completion", "insert"],
    },
    { name: "one with an unread projector sees", told: { projectorPaths }, want: ["completion", "vision"] },
    {
      name: "one whose projector only hears does not see",
      told: { projectorPaths, projector: { ...NONE, hasAudio: true } },
      want: ["completion", "audio"],
    },
    {
      name: "one with eyes in its own file sees",
      told: { traits: { hasVision: true } },
      want: ["completion", "vision"],
    },
  ] satisfies { name: string; told: Told; want: string[] }[]
) {
  Deno.test(`capabilitiesOf(): ${name}`, () => deepEqual([...capabilitiesOf(sourcesOf(told))], want));
}
