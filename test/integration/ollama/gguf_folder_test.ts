import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { dirname, join } from "node:path";
import { type ErrorCode, GatewayError } from "../../../lib/errors.ts";
import { ModelStore, resolvePath } from "../../../lib/ollama/storage.ts";
import { ggufBytes, OllamaStoreFixture } from "../../fixtures/ollama_store.ts";

interface Folder extends AsyncDisposable {
  path: string;
}

/** A temporary directory with these files in it; undefined content means a file that begins like GGUF. */
async function folderOf(files: Record<string, string | undefined>): Promise<Folder> {
  const path = await Deno.makeTempDir({ prefix: "gguf_folder_" });
  for (const [name, content] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(path, name)), { recursive: true });
    const bytes = content === undefined ? ggufBytes(name) : new TextEncoder().encode(content);
    await Deno.writeFile(join(path, name), bytes);
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

function fails(code: ErrorCode, sentence: RegExp): (error: unknown) => true {
  return (error) => {
    ok(error instanceof GatewayError, String(error));
    match(error.message, sentence);
    equal(error.code, code);
    return true;
  };
}

Deno.test("a folder's files are models, named like the files", async () => {
  await using folder = await folderOf({
    "Qwen3-8B-Q4_K_M.gguf": undefined,
    "a/b/c/d/deep.GGUF": undefined,
    "a/b/c/d/e/too_deep.gguf": undefined,
    ".hidden/secret.gguf": undefined,
    "notes.txt": "",
    "torn.gguf": "<html>",
  });
  const store = new ModelStore({ roots: [folder.path] });
  deepEqual(
    (await store.listModels()).map(({ name, kind, source, sizeBytes }) => [name, kind, source, sizeBytes]),
    [
      ["Qwen3-8B-Q4_K_M", "gguf", "gguf", 64],
      ["deep", "gguf", "gguf", 64],
    ],
  );
  for (const name of ["Qwen3-8B-Q4_K_M", "qwen3-8b-q4_k_m", "Qwen3-8B-Q4_K_M:latest"]) {
    equal((await store.resolve(name)).modelPath, join(folder.path, "Qwen3-8B-Q4_K_M.gguf"));
  }
  await rejects(
    store.resolve("torn"),
    fails("model_unusable", /torn.gguf": it is an HTML page/),
  );
  await rejects(store.resolve("Qwen3-8B"), fails("model_not_found", /did you mean "Qwen3-8B-Q4_K_M"\?/));
  await rejects(store.resolve("a/b"), fails("model_not_found", /Cannot find/));
});

Deno.test("a file whose name is no model name can be asked for by just that name", async () => {
  await using folder = await folderOf({ "my model (v2).gguf": undefined });
  const store = new ModelStore({ roots: [folder.path] });
  equal((await store.resolve("my model (v2)")).modelPath, join(folder.path, "my model (v2).gguf"));
  equal((await store.resolve("My Model (V2)")).key, "my model (v2)");
  await rejects(store.resolve("my model (v3)"), fails("invalid_request", /Cannot read model name/));
  await rejects(
    store.resolve(join(folder.path, "my model (v2).gguf")),
    fails("invalid_request", /Cannot read model name/),
  );
});

Deno.test("a split model is one model, given by its first shard", async () => {
  await using folder = await folderOf({
    "big-00001-of-00003.gguf": undefined,
    "big-00002-of-00003.gguf": undefined,
    "big-00003-of-00003.gguf": undefined,
    "torn-00001-of-00002.gguf": undefined,
  });
  const store = new ModelStore({ roots: [folder.path] });
  deepEqual((await store.listModels()).map(({ name, sizeBytes }) => [name, sizeBytes]), [["big", 3 * 64]]);
  const model = await store.resolve("big");
  deepEqual([model.modelPath, model.sizeBytes], [join(folder.path, "big-00001-of-00003.gguf"), 3 * 64]);
  equal((await resolvePath(join(folder.path, "big-00003-of-00003.gguf"))).modelPath, model.modelPath);
  const sentence = /Cannot load shard 2 of 2: ".*torn-00002-of-00002.gguf" is missing/;
  await rejects(store.resolve("torn"), fails("model_unusable", sentence));
});

Deno.test("an mmproj file is no model but the projector of the only model beside it", async () => {
  await using folder = await folderOf({
    "llava/llava.gguf": undefined,
    "llava/mmproj-F16.gguf": undefined,
    "mixed/a.gguf": undefined,
    "mixed/b.gguf": undefined,
    "mixed/mmproj.gguf": undefined,
  });
  const store = new ModelStore({ roots: [folder.path] });
  deepEqual((await store.listModels()).map(({ name }) => name), ["llava", "a", "b"]);
  deepEqual((await store.resolve("llava")).projectorPaths, [join(folder.path, "llava", "mmproj-F16.gguf")]);
  deepEqual((await store.resolve("a")).projectorPaths, []);
});

Deno.test("files that come and go are noticed without a restart", async () => {
  await using folder = await folderOf({ "old.gguf": undefined });
  const store = new ModelStore({ roots: [folder.path] });
  await store.resolve("old");
  await Deno.writeFile(join(folder.path, "new.gguf"), ggufBytes());
  equal((await store.resolve("new")).name, "new");
  await Deno.remove(join(folder.path, "old.gguf"));
  await rejects(store.resolve("old"), fails("model_not_found", /Cannot find model "old"/));
});

Deno.test("of two files with one name the first by path is used, with a warning", async () => {
  await using folder = await folderOf({ "a/m.gguf": undefined, "b/M.gguf": undefined });
  const store = new ModelStore({ roots: [folder.path] });
  const model = await store.resolve("m:latest");
  equal(model.modelPath, join(folder.path, "a", "m.gguf"));
  deepEqual(model.warnings, [`"${join(folder.path, "b", "M.gguf")}" has the same name and is not used`]);
  equal((await store.resolve("M")).modelPath, join(folder.path, "b", "M.gguf"));
  deepEqual((await store.listModels()).map(({ name, warnings }) => [name, warnings.length]), [["m", 1]]);
});

Deno.test("links that loop or dangle do not hide the other models of a folder", async () => {
  await using folder = await folderOf({ "sub/m.gguf": undefined });
  await Deno.symlink("..", join(folder.path, "sub", "up"));
  await Deno.symlink("loop", join(folder.path, "loop"));
  await Deno.symlink("/nowhere", join(folder.path, "gone.gguf"));
  const store = new ModelStore({ roots: [folder.path] });
  deepEqual((await store.listModels()).map(({ name }) => name), ["m"]);
  await rejects(
    store.resolve("gone"),
    fails("model_unusable", /it is a link to "\/nowhere", which does not exist/),
  );
});

Deno.test("a root may be one file, and roots of all kinds work together", async () => {
  await using folder = await folderOf({ "one.gguf": undefined, "many/two.gguf": undefined });
  await using ollama = await OllamaStoreFixture.create();
  await ollama.addModel("three", ggufBytes());
  const roots = [join(folder.path, "one.gguf"), join(folder.path, "many"), ollama.directory];
  const store = new ModelStore({ roots });
  deepEqual((await store.listModels()).map(({ name, source }) => [name, source]), [
    ["one", "gguf"],
    ["two", "gguf"],
    ["three:latest", "ollama"],
  ]);
  for (const name of ["one", "two", "three"]) equal((await store.resolve(name)).sizeBytes, 64);
});

Deno.test("resolvePath() takes a GGUF file or a blob, and says what else it was given", async () => {
  await using folder = await folderOf({ "m.gguf": undefined, "old.bin": "tjgg", "empty.gguf": "" });
  await using ollama = await OllamaStoreFixture.create();
  const { modelPath } = await ollama.addModel("m", ggufBytes());
  const model = await resolvePath(join(folder.path, "m.gguf"));
  deepEqual([model.name, model.source, model.sizeBytes], ["m", "gguf", 64]);
  equal((await resolvePath(modelPath)).modelPath, modelPath);
  const at = (name: string) => resolvePath(join(folder.path, name));
  await rejects(at("none.gguf"), fails("model_not_found", /none.gguf": no such file/));
  await rejects(
    at("old.bin"),
    fails("model_unusable", /it is a model in a GGML format from before August 2023/),
  );
  await rejects(at("empty.gguf"), fails("model_unusable", /it is empty; download it again/));
  await rejects(resolvePath(folder.path), fails("model_unusable", /it is no file/));
  await rejects(at("a\0b"), fails("model_unusable", /Cannot read/));
});
