import { deepEqual, equal, rejects } from "node:assert/strict";
import { buildTinyAdapter, buildTinyModel } from "../../../lib/gguf/tiny_model.ts";
import { tinyVocabulary } from "../../../lib/gguf/tiny_vocabulary.ts";
import { readVocabulary } from "../../../lib/store/gguf_vocabulary.ts";

async function withFile(bytes: Uint8Array, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  try {
    await Deno.writeFile(path, bytes);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("the vocabulary of a file tells its tokens by their text", async () => {
  await withFile(buildTinyModel(), async (path) => {
    const vocabulary = (await readVocabulary(path))!;
    deepEqual(vocabulary.idsOf(" the"), [tinyVocabulary().findIndex(({ piece }) => piece === "\u2581the")]);
  });
});

Deno.test("a file without a vocabulary has none", async () => {
  await withFile(buildTinyAdapter(), async (path) => equal(await readVocabulary(path), undefined));
});

Deno.test("a file that is missing or no GGUF is refused", async () => {
  await rejects(readVocabulary("/nowhere/tiny.gguf"), { code: "model_not_found" });
  await withFile(new Uint8Array(100), (path) => rejects(readVocabulary(path), { code: "model_unusable" }));
});

Deno.test("an aborted reading rejects with the signal's reason", async () => {
  const reason = new Error("the client left");
  await withFile(
    buildTinyModel(),
    (path) => rejects(readVocabulary(path, { signal: AbortSignal.abort(reason) }), reason),
  );
});
