import fc from "fast-check";
import { deepEqual, equal, throws } from "node:assert/strict";
import {
  displayName,
  ModelNameSyntaxError,
  nameKey,
  nameOfSegments,
  parseModelName,
  segmentsOfName,
} from "../../../lib/ollama/model_name.ts";

const OLLAMA = "registry.ollama.ai";

for (
  const [text, segments, display] of [
    ["mistral", [OLLAMA, "library", "mistral", "latest"], "mistral:latest"],
    ["llama3.1:70b", [OLLAMA, "library", "llama3.1", "70b"], "llama3.1:70b"],
    ["  llama3.1:70b\n", [OLLAMA, "library", "llama3.1", "70b"], "llama3.1:70b"],
    ["jmorgan/phi3", [OLLAMA, "jmorgan", "phi3", "latest"], "jmorgan/phi3:latest"],
    ["LIBRARY/Phi3", [OLLAMA, "LIBRARY", "Phi3", "latest"], "Phi3:latest"],
    [
      "hf.co/bartowski/A-GGUF:Q4_K_M",
      ["hf.co", "bartowski", "A-GGUF", "Q4_K_M"],
      "hf.co/bartowski/A-GGUF:Q4_K_M",
    ],
    ["localhost:5000/team/m", ["localhost:5000", "team", "m", "latest"], "localhost:5000/team/m:latest"],
    ["http://reg:5000/a/b:t", ["reg:5000", "a", "b", "t"], "reg:5000/a/b:t"],
    ["http:///a/b:t", [OLLAMA, "a", "b", "t"], "a/b:t"],
    ["_m:_t", [OLLAMA, "library", "_m", "_t"], "_m:_t"],
    ["m.gguf:v1.0-x_y", [OLLAMA, "library", "m.gguf", "v1.0-x_y"], "m.gguf:v1.0-x_y"],
    [`${"m".repeat(80)}:${"t".repeat(80)}`, [OLLAMA, "library", "m".repeat(80), "t".repeat(80)], undefined],
    [`${"h".repeat(350)}/n/m`, ["h".repeat(350), "n", "m", "latest"], undefined],
  ] as const
) {
  Deno.test(`parseModelName() takes ${JSON.stringify(text.slice(0, 40))} apart and writes it in short form`, () => {
    const name = parseModelName(text);
    deepEqual(segmentsOfName(name), segments);
    if (display) equal(displayName(name), display);
  });
}

for (
  const [text, reason] of [
    ["", /it is empty/],
    ["   ", /it is empty/],
    [":7b", /its model is empty/],
    ["llama3:", /its tag is empty/],
    ["a//b", /its namespace is empty/],
    ["/x", /its namespace is empty/],
    ["x/", /its model is empty/],
    ["/a/b", /its host is empty/],
    ["localhost:5000/m", /its namespace "localhost:5000" must be 1 to 80 letters/],
    ["a.b/m", /its namespace "a.b"/],
    ["a/b/c/d", /its host "a\/b"/],
    ["../../etc/passwd", /its host "..\/.."/],
    ["..", /its model ".."/],
    ["m:..", /its tag ".."/],
    ["../m", /its namespace ".."/],
    [".hidden", /its model ".hidden"/],
    ["-m", /its model "-m"/],
    ["a\\b", /its model "a\\\\b"/],
    ["a\0b", /its model "a\\u0000b"/],
    ["a b", /its model "a b"/],
    ["naïve", /its model "naïve"/],
    ["模型", /its model/],
    ["m%2e", /its model/],
    ["m!", /its model/],
    ["m~", /its model/],
    ["m+1", /its model/],
    ["m".repeat(81), /must be 1 to 80/],
    [`${"h".repeat(351)}/n/m`, /must be 1 to 350/],
    ["m".repeat(10_000), /it has 10000 characters/],
    [`m@sha256:${"a".repeat(64)}`, /a digest cannot be asked for; use a tag/],
    ["sha256:x@y", /its tag "x@y"/],
    ["x:local:cloud", /use one of ":local" and ":cloud", once/],
    ["x:1b-cloud:local", /use one of/],
    [":cloud", /its model is empty/],
    ["x:-cloud", /its tag is empty/],
  ] as const
) {
  Deno.test(`parseModelName() refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    throws(() => parseModelName(text), (error: unknown) => {
      return error instanceof ModelNameSyntaxError && reason.test(error.message) &&
        error.message.length < 400;
    });
  });
}

for (
  const [text, source, display] of [
    ["gpt-oss:120b-cloud", "cloud", "gpt-oss:120b-cloud"],
    ["gpt-oss:120b:cloud", "cloud", "gpt-oss:120b-cloud"],
    ["gpt-oss:120b:CLOUD", "cloud", "gpt-oss:120b-cloud"],
    ["gpt-oss:cloud", "cloud", "gpt-oss:cloud"],
    ["hf.co/u/r:Cloud", "cloud", "hf.co/u/r:cloud"],
    ["mistral:local", "local", "mistral:latest"],
    ["mistral:7b:Local", "local", "mistral:7b"],
    ["my-cloud", undefined, "my-cloud:latest"],
    ["cloud", undefined, "cloud:latest"],
    ["local:7b", undefined, "local:7b"],
  ] as const
) {
  Deno.test(`parseModelName() reads the source of "${text}": ${source}`, () => {
    const name = parseModelName(text);
    equal(name.source, source);
    equal(displayName(name), display);
  });
}

Deno.test("nameKey() is the same for all spellings of one model and for none of another", () => {
  const key = nameKey(parseModelName("llama3:8b"));
  for (
    const text of [
      "LLAMA3:8B",
      "library/llama3:8b",
      "http://Registry.Ollama.ai/Library/Llama3:8b",
      "llama3:8b:local",
    ]
  ) {
    equal(nameKey(parseModelName(text)), key);
  }
  for (const text of ["llama3", "llama3:8b-cloud", "hf.co/library/llama3:8b", "other/llama3:8b"]) {
    equal(nameKey(parseModelName(text)) === key, false, text);
  }
});

Deno.test("displayName() is read back as the same model", () => {
  const part = fc.stringMatching(/^[a-z0-9_][A-Za-z0-9_.-]{0,20}$/);
  const namespace = fc.stringMatching(/^[a-z0-9_][A-Za-z0-9_-]{0,20}$/);
  fc.assert(fc.property(part, namespace, part, part, (host, namespace, model, tag) => {
    fc.pre(!/^local$|cloud$/i.test(tag)); // as tags these say where to run
    const name = nameOfSegments([host, namespace, model, tag])!;
    deepEqual(segmentsOfName(parseModelName(displayName(name))), [host, namespace, model, tag]);
  }));
});

Deno.test("no text becomes a path segment that leaves its directory", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."./\\:aZ0_-@ \0~") }), (text) => {
    let segments: string[];
    try {
      segments = segmentsOfName(parseModelName(text));
    } catch (error) {
      return error instanceof ModelNameSyntaxError;
    }
    return segments.every((segment) => /^\w[\w.:-]*$/.test(segment));
  }));
});

Deno.test("nameOfSegments() knows manifests from other files", () => {
  equal(displayName(nameOfSegments([OLLAMA, "library", "gpt-oss", "120b-cloud"])!), "gpt-oss:120b-cloud");
  equal(nameOfSegments([OLLAMA, "library", "m", "latest~"]), undefined);
  equal(nameOfSegments([OLLAMA, "library", "m", ".DS_Store"]), undefined);
  equal(nameOfSegments([OLLAMA, "library", "m"]), undefined);
});
