import { deepEqual, equal } from "node:assert/strict";
import type { ModelProfile } from "../../../lib/config/config.ts";
import { toWanted } from "../../../lib/ollama/model_source.ts";
import { profileOf, withProfile } from "../../../lib/router/model_profile.ts";
import { GIB } from "../../../lib/units.ts";
import { needOf } from "../../fixtures/known_nodes.ts";

function profile(said: Partial<ModelProfile> = {}): ModelProfile {
  return {
    parameterCount: undefined,
    memoryBytes: undefined,
    requiresDistributed: false,
    route: undefined,
    ...said,
  };
}

const CONFIG = {
  modelProfiles: {
    "llama3.1": profile({ route: "latest" }),
    "Qwen2.5:72B": profile({ route: "qwen" }),
    "llama3.2:*": profile({ route: "any tag" }),
    "llama3.2:90b": profile({ route: "the very one" }),
    "*coder*": profile({ route: "coders" }),
    "hf.co/bartowski/*": profile({ route: "bartowski" }),
  },
};

for (
  const [name, want] of [
    ["llama3.1", "latest"],
    ["LLAMA3.1:latest", "latest"],
    ["registry.ollama.ai/library/llama3.1", "latest"],
    ["llama3.1:8b", undefined],
    ["llama3.1x", undefined],
    ["someone/llama3.1", undefined],
    ["qwen2.5:72b", "qwen"],
    ["qwen2.5:7b", undefined],
    ["llama3.2", "any tag"],
    ["llama3.2:3b", "any tag"],
    ["llama3.2:90B", "the very one"],
    ["llama3x2:3b", undefined],
    ["qwen2.5-coder:32b", "coders"],
    ["hf.co/bartowski/Phi-GGUF:Q4_K_M", "bartowski"],
    ["hf.co/bartowski/Coder-GGUF:Q4_K_M", "bartowski"], // the longest pattern
    ["", undefined],
    ["constructor", undefined],
  ] as const
) {
  Deno.test(`the profile of ${name} is ${want ?? "none"}`, () => {
    const { key } = toWanted(name);
    equal(profileOf(key, CONFIG)?.route, want);
    equal(profileOf(key, CONFIG)?.route, want, "from memory, too");
  });
}

Deno.test("a new configuration brings new profiles", () => {
  const { key } = toWanted("llama3.2:3b");
  equal(profileOf(key, CONFIG)?.route, "any tag");
  equal(profileOf(key, { modelProfiles: {} }), undefined);
  equal(profileOf(key, { modelProfiles: { "llama3.2:3b": profile({ route: "new" }) } })?.route, "new");
});

Deno.test("however many names clients ask for, each is answered right", () => {
  for (let index = 0; index < 10_001; index++) profileOf(`m${index}`, CONFIG);
  equal(profileOf(toWanted("llama3.2:3b").key, CONFIG)?.route, "any tag");
});

const NEED = needOf(10 * GIB, { parameterCount: 8e9, weightBytes: 8 * GIB });

for (
  const { name, need, said, want } of [
    { name: "no profile changes nothing", need: NEED, said: undefined, want: NEED },
    { name: "a profile that says nothing changes nothing", need: NEED, said: profile(), want: NEED },
    {
      name: "parameters replace those that were found",
      need: NEED,
      said: profile({ parameterCount: 70 }),
      want: { ...NEED, parameterCount: 70e9 },
    },
    {
      name: "memory replaces what was reckoned",
      need: NEED,
      said: profile({ memoryBytes: 42 * GIB }),
      want: { ...NEED, bytes: 42 * GIB, source: "profile" },
    },
    {
      name: "weights are not more than the whole",
      need: NEED,
      said: profile({ memoryBytes: 4 * GIB }),
      want: { ...NEED, bytes: 4 * GIB, weightBytes: 4 * GIB, source: "profile" },
    },
    {
      name: "memory is known where nothing else is",
      need: undefined,
      said: profile({ memoryBytes: 42 * GIB, parameterCount: 70 }),
      want: {
        bytes: 42 * GIB,
        weightBytes: 42 * GIB,
        contextSize: 4096,
        parameterCount: 70e9,
        source: "profile",
      },
    },
    {
      name: "parameters alone are no need",
      need: undefined,
      said: profile({ parameterCount: 70 }),
      want: undefined,
    },
  ]
) {
  Deno.test(`a need with a profile: ${name}`, () => {
    deepEqual(withProfile(need, said), want);
  });
}
