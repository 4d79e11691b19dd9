import { readGgufHeader } from "../../lib/gguf/header.ts";
import { describeModel } from "../../lib/gguf/model_info.ts";
import { buildTinyModel } from "../../lib/gguf/tiny_model.ts";
import { openGguf } from "../../lib/store/gguf_file.ts";
import { GgufHeaderCache } from "../../lib/store/gguf_header_cache.ts";
import { buildLargeHeader, sparseSource } from "../fixtures/large_header.ts";

const large = buildLargeHeader();
const source = sparseSource(large.bytes, large.fileBytes);
const header = await readGgufHeader(source);

Deno.bench("read a 70B header", { group: "header", baseline: true }, async () => {
  await readGgufHeader(source);
});

Deno.bench("reference: only decode the strings of its vocabulary", { group: "header" }, () => {
  decodeVocabulary(large.bytes);
});

const path = await Deno.makeTempFile({ suffix: ".gguf" });
await Deno.writeFile(path, large.bytes);
await Deno.truncate(path, large.fileBytes); // sparse: takes 7.4 MB of disk
globalThis.addEventListener("unload", () => Deno.removeSync(path));

const cache = new GgufHeaderCache();
await openGguf(path, { cache });

Deno.bench("open a 70B file", { group: "file", baseline: true }, async () => {
  await openGguf(path);
});

Deno.bench("open it from the cache", { group: "file" }, async () => {
  await openGguf(path, { cache });
});

Deno.bench("reference: read as many bytes in one piece", { group: "file" }, async () => {
  using file = await Deno.open(path);
  await file.read(new Uint8Array(large.bytes.length));
});

Deno.bench("describe a 70B model", () => {
  describeModel(header);
});

Deno.bench("build the tiny model", () => {
  buildTinyModel();
});

/** What a reader that keeps the vocabulary cannot avoid. */
function decodeVocabulary(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const decoder = new TextDecoder();
  return ["tokenizer.ggml.tokens", "tokenizer.ggml.merges"].flatMap((key) => {
    const { value } = header.metadata.get(key)!;
    const { startOffset, count } = value as { startOffset: number; count: number };
    let offset = startOffset;
    return Array.from({ length: count }, () => {
      const length = view.getUint32(offset, true);
      offset += 8 + length;
      return decoder.decode(bytes.subarray(offset - length, offset));
    });
  });
}
