import { deepEqual, equal, throws } from "node:assert/strict";
import {
  blobFileNames,
  decodeManifest,
  isDigest,
  ManifestSyntaxError,
} from "../../../lib/ollama/manifest.ts";

const digestOf = (digit: string) => `sha256:${digit.repeat(64)}`;
const layer = (type: string, digit: string, size = 10) => ({
  mediaType: `application/vnd.ollama.image.${type}`,
  digest: digestOf(digit),
  size,
});
const encode = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const decode = (value: unknown) => decodeManifest(encode(value));

Deno.test("decodeManifest() sorts manifest layers by media type", () => {
  const manifest = decode({
    schemaVersion: 2,
    config: { mediaType: "application/vnd.docker.container.image.v1+json", digest: digestOf("c"), size: 5 },
    layers: [
      ...[layer("model", "1", 1000), layer("projector", "2"), layer("adapter", "3"), layer("adapter", "4")],
      ...[layer("draft", "5"), layer("params", "6"), layer("params", "7"), layer("license", "8")],
      ...[layer("system", "9"), layer("messages", "a"), layer("license", "b")],
      { mediaType: "application/vnd.example.unheard.of", digest: digestOf("d"), size: 7 },
    ],
  });
  const digit = (one: { digest: string } | undefined) => one?.digest.at(-1);
  equal(digit(manifest.config), "c");
  deepEqual(manifest.models, [{ digest: digestOf("1"), sizeBytes: 1000 }]);
  deepEqual(manifest.projectors.map(digit), ["2"]);
  deepEqual(manifest.adapters.map(digit), ["3", "4"]);
  deepEqual(manifest.params.map(digit), ["6", "7"]);
  deepEqual(manifest.licenses.map(digit), ["8", "b"]);
  deepEqual([manifest.draft, manifest.system, manifest.messages].map(digit), ["5", "9", "a"]);
  equal(manifest.sizeBytes, 5 + 1000 + 10 * 10 + 7);
});

Deno.test("decodeManifest() takes the last of several templates, system messages and messages", () => {
  const manifest = decode({
    layers: [
      ...[layer("prompt", "1"), layer("template", "2"), layer("prompt", "3")],
      ...[layer("system", "4"), layer("system", "5"), layer("messages", "6"), layer("messages", "7")],
    ],
  });
  deepEqual(manifest.template, { digest: digestOf("3"), sizeBytes: 10 });
  deepEqual(manifest.system, { digest: digestOf("5"), sizeBytes: 10 });
  deepEqual(manifest.messages, { digest: digestOf("7"), sizeBytes: 10 });
});

Deno.test("decodeManifest() keeps all model layers, so that an ambiguous manifest is seen as such", () => {
  equal(decode({ layers: [layer("model", "1"), layer("model", "2")] }).models.length, 2);
});

Deno.test("decodeManifest() counts tensors and warns of embeddings", () => {
  const manifest = decode({
    layers: [layer("tensor", "1"), layer("tensor", "2"), layer("json", "3"), layer("embed", "4")],
  });
  equal(manifest.tensorCount, 2);
  deepEqual(manifest.warnings, ["stored embeddings ignored: Ollama no longer uses them"]);
});

for (
  const [name, config] of [["no config", undefined], ["a null config", null], ["a config without digest", {
    digest: "",
  }]] as const
) {
  Deno.test(`decodeManifest() accepts ${name}, as very old manifests have it`, () => {
    equal(decode({ config, layers: [layer("model", "1")] }).config, undefined);
  });
}

for (
  const [name, text, isCutShort] of [
    ["nothing", "", true],
    ["half of it", '{"layers": [{"mediaType', true],
    ["no JSON", "hello", true],
    ["null", "null", false],
    ["an array", "[]", false],
    ["a number", "42", false],
    ["100,000 nested arrays", "[".repeat(100_000) + "]".repeat(100_000), false],
    ["layers that are no array", '{"layers": {}}', false],
    ["a layer without size", JSON.stringify({ layers: [{ mediaType: "x", digest: digestOf("1") }] }), false],
    ["a negative size", JSON.stringify({ layers: [layer("model", "1", -1)] }), false],
    ["a fractional size", JSON.stringify({ layers: [layer("model", "1", 1.5)] }), false],
    ["a config of text", '{"config": "x"}', false],
  ] as const
) {
  Deno.test(`decodeManifest() refuses ${name}${isCutShort ? ", which may become whole" : ""}`, () => {
    throws(() => decode(text), (error: unknown) => {
      return error instanceof ManifestSyntaxError && error.isCutShort === isCutShort &&
        error.message.length < 300;
    });
  });
}

Deno.test("decodeManifest() takes a character cut in half for a manifest cut short", () => {
  const bytes = encode('{"from": "ü');
  throws(() => decodeManifest(bytes.subarray(0, -1)), { name: "ManifestSyntaxError", isCutShort: true });
});

for (
  const digest of [
    "sha256:../../etc/passwd",
    `sha256:../${"a".repeat(61)}`,
    `sha256-${"a".repeat(63)}`,
    `sha256:${"a".repeat(65)}`,
    `sha256:${"g".repeat(64)}`,
    `sha256:${"a".repeat(64)}\n`,
    `sha512:${"a".repeat(64)}`,
    `SHA256:${"a".repeat(64)}`,
    "",
    7,
  ]
) {
  Deno.test(`decodeManifest() lets no digest leave the store: ${JSON.stringify(digest).slice(0, 40)}`, () => {
    const layers = [{ ...layer("model", "1"), digest }];
    throws(() => decode({ layers }), {
      name: "ManifestSyntaxError",
      message: /layers\.0\.digest: want "sha256:"/,
    });
  });
}

Deno.test("blobFileNames() knows both spellings and keeps the case of the digits", () => {
  const digest = `sha256:${"A".repeat(64)}`;
  equal(isDigest(digest), true);
  if (isDigest(digest)) {
    deepEqual(blobFileNames(digest), [`sha256-${"A".repeat(64)}`, `sha256:${"A".repeat(64)}`]);
  }
});
