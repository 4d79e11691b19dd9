import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { systemClock } from "../../../lib/clock.ts";
import { type ErrorCode, GatewayError } from "../../../lib/errors.ts";
import { createLogger } from "../../../lib/log.ts";
import { ModelStore } from "../../../lib/ollama/storage.ts";
import { ggufBytes, OllamaStoreFixture } from "../../fixtures/ollama_store.ts";

function storeOf(...roots: string[]): ModelStore {
  return new ModelStore({ roots });
}

function fails(code: ErrorCode, sentence: RegExp): (error: unknown) => true {
  return (error) => {
    ok(error instanceof GatewayError, String(error));
    match(error.message, sentence);
    equal(error.code, code);
    return true;
  };
}

/** All paths below a directory: equal before and after means that nothing was created. */
function pathsBelow(directory: string): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) => {
    const path = join(directory, name);
    return isDirectory ? [path, ...pathsBelow(path)] : [path];
  }).sort();
}

Deno.test("resolve() returns all that a manifest lists", async () => {
  await using fixture = await OllamaStoreFixture.create();
  const { manifestPath, modelPath, digest } = await fixture.addModel("llava:7b", ggufBytes("weights", 100), {
    params: { num_ctx: 8192, stop: ["</s>"], mirostat: 1 },
    template: "{{ .Prompt }}",
    system: "Be brief.",
    messages: [{ role: "user", content: "hi" }],
    license: "MIT",
    projector: ggufBytes("projector"),
    adapter: ggufBytes("adapter"),
    draft: ggufBytes("draft"),
    config: { model_family: "llama", model_type: "7.2B", file_type: "Q4_0", renderer: "llava" },
  });
  const model = await storeOf(fixture.directory).resolve("llava:7b");
  const [projectorPath, adapterPath] = [...model.projectorPaths, ...model.adapterPaths];
  deepEqual(await Deno.readFile(projectorPath!), ggufBytes("projector"));
  deepEqual(await Deno.readFile(adapterPath!), ggufBytes("adapter"));
  deepEqual(await Deno.readFile(model.draftPath!), ggufBytes("draft"));
  deepEqual({ ...model, projectorPaths: 1, adapterPaths: 1, draftPath: 1, modifiedAtMs: 1 }, {
    name: "llava:7b",
    key: "registry.ollama.ai/library/llava:7b",
    source: "ollama",
    modelPath,
    sizeBytes: 100,
    digest,
    ...{ projectorPaths: 1, adapterPaths: 1, draftPath: 1, modifiedAtMs: 1 },
    params: { num_ctx: 8192, stop: ["</s>"] },
    template: "{{ .Prompt }}",
    system: "Be brief.",
    messages: [{ role: "user", content: "hi" }],
    licenses: ["MIT"],
    manifestPath,
    manifestDigest: createHash("sha256").update(await Deno.readFile(manifestPath)).digest("hex"),
    ...{ family: "llama", parameterSize: "7.2B", quantization: "Q4_0", renderer: "llava" },
    warnings: ['param "mirostat" ignored: Ollama removed it'],
  });
  equal(model.modifiedAtMs, (await Deno.stat(manifestPath)).mtime?.getTime());
});

Deno.test("resolve() lets later params layers override earlier ones", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await fixture.addManifest("m", [
    await fixture.addLayer("model", ggufBytes()),
    await fixture.addLayer("params", '{"top_k": 1, "seed": 7}'),
    await fixture.addLayer("params", '{"top_k": 2}'),
  ]);
  deepEqual((await storeOf(fixture.directory).resolve("m")).params, { top_k: 2, seed: 7 });
});

for (
  const name of ["hf.co/bartowski/A-1B-GGUF:Q4_K_M", "localhost:5000/team/m:x", "jmorgan/phi3", "mistral"]
) {
  Deno.test(`resolve() finds ${name} from the store and from its parent`, async () => {
    await using fixture = await OllamaStoreFixture.create();
    const { modelPath } = await fixture.addModel(name, ggufBytes());
    equal((await storeOf(fixture.directory).resolve(name)).modelPath, modelPath);
    equal((await storeOf(join(fixture.home, ".ollama")).resolve(name)).modelPath, modelPath);
  });
}

Deno.test("resolve() reads blobs under the name that Ollama used until 0.1.30", async () => {
  await using fixture = await OllamaStoreFixture.create();
  const { modelPath } = await fixture.addModel("old", ggufBytes());
  const formerPath = modelPath.replace("sha256-", "sha256:");
  await Deno.rename(modelPath, formerPath);
  equal((await storeOf(fixture.directory).resolve("old")).modelPath, formerPath);
});

Deno.test("resolve() follows links: the whole store, a manifest, a blob outside of the store", async () => {
  await using fixture = await OllamaStoreFixture.create();
  const { modelPath, manifestPath } = await fixture.addModel("m", ggufBytes());
  await Deno.rename(modelPath, join(fixture.home, "weights.bin"));
  await Deno.symlink(join(fixture.home, "weights.bin"), modelPath);
  await Deno.rename(manifestPath, join(fixture.home, "manifest.json"));
  await Deno.symlink(join(fixture.home, "manifest.json"), manifestPath);
  await Deno.symlink(fixture.directory, join(fixture.home, "link"));
  const model = await storeOf(join(fixture.home, "link")).resolve("m");
  deepEqual(await Deno.readFile(model.modelPath), ggufBytes());
});

Deno.test("resolve() prefers the exact spelling, then takes the one that differs in case", async () => {
  await using fixture = await OllamaStoreFixture.create();
  const upper = await fixture.addModel("Llama3:8B", ggufBytes("upper"));
  const store = storeOf(fixture.directory);
  const folded = await store.resolve("llama3:8b");
  deepEqual([folded.modelPath, folded.name, folded.warnings], [upper.modelPath, "Llama3:8B", []]);
  const lower = await fixture.addModel("llama3:8b", ggufBytes("lower"));
  equal((await store.resolve("llama3:8b")).modelPath, lower.modelPath);
  equal((await store.resolve("Llama3:8B")).modelPath, upper.modelPath);
});

Deno.test("resolve() takes the byte-smallest of several spellings and says so", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await fixture.addModel("llama3:8b", ggufBytes("lower"));
  const { modelPath } = await fixture.addModel("LLAMA3:8b", ggufBytes("upper"));
  const model = await storeOf(fixture.directory).resolve("Llama3:8b");
  equal(model.modelPath, modelPath);
  deepEqual(model.warnings, ['also stored as llama3:8b, which differs only in case; "LLAMA3:8b" is used']);
});

for (
  const name of [
    ...[
      "../../../../etc/passwd",
      "/etc/passwd",
      "..",
      "a/../../b",
      "a\0b",
      "a\\..\\b",
      "m".repeat(10_000),
      "模型",
    ],
    ...["", "sha256:../../etc/passwd", `m@sha256:${"a".repeat(64)}`, "m:", "./weights.gguf"],
  ]
) {
  Deno.test(`resolve() takes ${JSON.stringify(name.slice(0, 30))} for no name, and never for a path`, async () => {
    await using fixture = await OllamaStoreFixture.create();
    await Deno.writeFile(join(fixture.home, "weights.gguf"), ggufBytes());
    const refuses = (error: unknown) => fails("invalid_request", /^Cannot read (a )?model name/)(error);
    await rejects(storeOf(fixture.directory).resolve(name), refuses);
  });
}

Deno.test("resolve() names what is near when a model is not found, and creates nothing", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await fixture.addModel("llama3.1:70b", ggufBytes());
  await fixture.addModel("llama3:8b", ggufBytes());
  await fixture.addModel("mistral", ggufBytes());
  const before = pathsBelow(fixture.home);
  const store = storeOf(fixture.directory);
  await rejects(
    store.resolve("llama3:70b"),
    fails("model_not_found", /did you mean "llama3.1:70b" or "llama3:8b"\?$/),
  );
  await rejects(store.resolve("mistrel"), fails("model_not_found", /did you mean "mistral:latest"\?$/));
  await rejects(
    store.resolve("zzz"),
    fails("model_not_found", /Cannot find model "zzz"; pull it with "ollama pull zzz"$/),
  );
  deepEqual(pathsBelow(fixture.home), before);
});

Deno.test("resolve() finds nothing in a store that does not exist, does not create it, and finds it later", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await fixture.addModel("m", ggufBytes());
  const moved = join(fixture.home, "elsewhere");
  const store = storeOf(moved);
  await rejects(store.resolve("m"), fails("model_not_found", /Cannot find model "m"/));
  deepEqual(await store.listModels(), []);
  equal(pathsBelow(fixture.home).includes(moved), false);
  await Deno.rename(fixture.directory, moved);
  equal((await store.resolve("m")).name, "m:latest");
});

Deno.test("resolve() says that there is no store to look in, and how to name one", async () => {
  await rejects(
    storeOf().resolve("m"),
    fails("model_not_found", /there is no Ollama store on this machine; say where models are by models/),
  );
});

Deno.test("resolve() says that no configured directory exists, but not which: clients read it", async () => {
  await rejects(storeOf("/nonexistent/a", "/nonexistent/b").resolve("m"), (error) => {
    const says =
      /^Cannot find model "m": none of the configured model directories exists on this machine; correct /;
    return fails("model_not_found", says)(error) && !/nonexistent/.test(String(error));
  });
});

Deno.test("resolve() takes a host longer than any file name for not found", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await rejects(
    storeOf(fixture.directory).resolve(`${"h".repeat(350)}/n/m`),
    fails("model_not_found", /Cannot find/),
  );
});

Deno.test("resolve() takes a directory in place of a manifest for no manifest, as Ollama does", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await Deno.mkdir(fixture.manifestPath("m"), { recursive: true });
  await rejects(storeOf(fixture.directory).resolve("m"), fails("model_not_found", /Cannot find model "m"/));
});

const CORRUPT: [what: string, content: unknown, sentence: RegExp][] = [
  ["empty", "", /it is empty; pull or create the model again/],
  ["cut in half", '{"layers": [{"mediaT', /are not one JSON value/],
  ["null", "null", /expected object, received null/],
  ["an array", "[]", /expected object, received array/],
  ["nested 100,000 deep", "[".repeat(100_000), /are not one JSON value/],
  ["of 100 MB", " ".repeat(100e6), /it has 95.4 MiB, at most 16.0 MiB are allowed/],
  ["of a digest that leaves the store", {
    layers: [{ mediaType: "application/vnd.ollama.image.model", digest: "sha256:../../etc/passwd", size: 1 }],
  }, /want "sha256:" and 64 hex digits, got "sha256:..\/..\/etc\/passwd"/],
];
for (const [what, content, sentence] of CORRUPT) {
  Deno.test(`resolve() calls a manifest corrupt that is ${what}`, async () => {
    await using fixture = await OllamaStoreFixture.create();
    await fixture.writeManifest("m", content);
    await rejects(storeOf(fixture.directory).resolve("m"), fails("model_unusable", sentence));
  });
}

Deno.test("resolve() says why what is stored cannot be loaded", async (t) => {
  await using fixture = await OllamaStoreFixture.create();
  const store = storeOf(fixture.directory);
  const gguf = await fixture.addLayer("model", ggufBytes());
  const absent = { ...gguf, digest: `sha256:${"a".repeat(64)}`, size: 3 * 2 ** 30 };
  const tensor = await fixture.addLayer("tensor", "tensor");
  const cases: [name: string, layers: typeof gguf[], config: Record<string, unknown>, sentence: RegExp][] = [
    [
      "gpt-oss:120b-cloud",
      [],
      { remote_host: "https://ollama.com:443", remote_model: "gpt-oss:120b" },
      /Cannot load "gpt-oss:120b-cloud": it has no weights here but runs as "gpt-oss:120b" at https:\/\/ollama.com/,
    ],
    [
      "mlx",
      [tensor, tensor],
      { model_format: "safetensors" },
      /"mlx:latest": it is stored as 2 safetensors tensors/,
    ],
    ["two", [gguf, gguf], {}, /its manifest lists 2 GGUF files/],
    ["none", [], {}, /its manifest lists no weights/],
    ["absent", [absent], {}, /blob ".*sha256-a{64}" \(3.0 GiB\) is missing; pull the model again/],
    ["short", [{ ...gguf, size: 65 }], {}, /has 64 bytes, its manifest says 65; pull the model again/],
    [
      "legacy",
      [await fixture.addLayer("model", "lmgg....")],
      {},
      /it is a model in a GGML format from before August 2023; download it as GGUF/,
    ],
    [
      "noise",
      [await fixture.addLayer("model", "<!DOCTYPE html>")],
      {},
      /it is an HTML page, probably a login or error page/,
    ],
    ["void", [await fixture.addLayer("model", "")], {}, /it is empty; download it again/],
    [
      "projector",
      [gguf, { ...absent, mediaType: tensor.mediaType.replace("tensor", "projector") }],
      {},
      /is missing/,
    ],
    ["params", [gguf, await fixture.addLayer("params", "{")], {}, /Cannot load "params:latest"/],
    ["messages", [gguf, await fixture.addLayer("messages", "{}")], {}, /cannot decode messages/],
  ];
  for (const [name, layers, config, sentence] of cases) {
    await fixture.addManifest(name, layers, config);
    await t.step(name, () => rejects(store.resolve(name), fails("model_unusable", sentence)));
  }
});

Deno.test("resolve() tells how far a download is, from the state files of its parts", async () => {
  await using fixture = await OllamaStoreFixture.create();
  const { modelPath } = await fixture.addModel("m", ggufBytes("", 4096));
  await Deno.rename(modelPath, `${modelPath}-partial`); // it has its full length from the start
  await Deno.writeTextFile(`${modelPath}-partial-0`, '{"N":0,"Offset":0,"Size":2048,"Completed":1024}');
  await Deno.writeTextFile(`${modelPath}-partial-1`, '{"N":1,"Offset":2048,"Size":2048,"Completed":512}');
  await Deno.writeTextFile(`${modelPath}-partial-2`, '{"N":');
  const sentence = /is still downloading, 1.5 KiB of 4.0 KiB/;
  await rejects(storeOf(fixture.directory).resolve("m"), fails("model_unusable", sentence));
});

Deno.test("resolve() does without template, licence, draft model and config, with a warning for each", async () => {
  await using fixture = await OllamaStoreFixture.create();
  const lost = { template: "lost template", license: "lost licence", draft: ggufBytes("lost draft") };
  const { manifestPath } = await fixture.addModel("m", ggufBytes(), lost);
  const { config, layers } = JSON.parse(await Deno.readTextFile(manifestPath));
  for (const { digest } of [config, ...layers.slice(1)]) await Deno.remove(fixture.blobPath(digest));
  const { warnings } = await storeOf(fixture.directory).resolve("m");
  deepEqual(warnings.map((warning) => warning.replace(/: Blob .*/, "")), [
    ...["config ignored", "draft model ignored", "licence ignored", "template ignored"],
  ]);
});

Deno.test("resolve() names links that dangle and links in a loop", async () => {
  await using fixture = await OllamaStoreFixture.create();
  const { modelPath, manifestPath } = await fixture.addModel("m", ggufBytes());
  const store = storeOf(fixture.directory);
  await Deno.remove(modelPath);
  await Deno.symlink("/nowhere/weights", modelPath);
  await rejects(
    store.resolve("m"),
    fails("model_unusable", /it is a link to "\/nowhere\/weights", which does not exist/),
  );
  await Deno.remove(manifestPath);
  await Deno.symlink("latest", manifestPath);
  await rejects(store.resolve("m"), fails("model_unusable", /manifests.*latest": its links form a loop/));
});

Deno.test({
  name: "resolve() does not hang on a pipe in place of a manifest or blob",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using fixture = await OllamaStoreFixture.create();
    const { modelPath, manifestPath } = await fixture.addModel("m", ggufBytes());
    const store = storeOf(fixture.directory);
    for (const path of [modelPath, manifestPath]) {
      await Deno.remove(path);
      await new Deno.Command("mkfifo", { args: [path] }).output();
      await rejects(store.resolve("m"), fails("model_unusable", /is no file/));
    }
  },
});

Deno.test("resolve() takes the sound copy of another root when the first one is broken", async () => {
  await using broken = await OllamaStoreFixture.create();
  await using sound = await OllamaStoreFixture.create();
  await broken.writeManifest("m", "{");
  const { modelPath } = await sound.addModel("m", ggufBytes());
  equal((await storeOf(broken.directory, sound.directory).resolve("m")).modelPath, modelPath);
  await rejects(storeOf(broken.directory).resolve("m"), fails("model_unusable", /not one JSON value/));
});

Deno.test("resolve() answers from memory until the manifest or a blob changes", async () => {
  await using fixture = await OllamaStoreFixture.create();
  const first = await fixture.addModel("m", ggufBytes("first"), { system: "same" });
  const store = storeOf(fixture.directory);
  const model = await store.resolve("m");
  equal(await store.resolve("m"), model, "resolved anew though nothing had changed");
  const second = await fixture.addModel("m", ggufBytes("second"), { system: "same" });
  await Deno.utime(fixture.manifestPath("m"), new Date(1e12), new Date(1e12));
  notEqual(second.modelPath, first.modelPath);
  equal((await store.resolve("m")).modelPath, second.modelPath);
  await Deno.remove(second.modelPath);
  await rejects(store.resolve("m"), fails("model_unusable", /is missing/));
  await Deno.remove(fixture.manifestPath("m"));
  await rejects(store.resolve("m"), fails("model_not_found", /Cannot find/));
});

Deno.test("resolve() sees a manifest rewritten within one tick of the disk's clock, with the same length", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await fixture.addModel("a", ggufBytes("a"));
  await fixture.addModel("b", ggufBytes("b"));
  const [a, b] = await Promise.all(["a", "b"].map((name) => Deno.readFile(fixture.manifestPath(name))));
  equal(a!.byteLength, b!.byteLength);
  const now = new Date();
  const write = async (bytes: Uint8Array) => {
    await fixture.writeManifest("m", new TextDecoder().decode(bytes));
    await Deno.utime(fixture.manifestPath("m"), now, now);
  };
  const store = storeOf(fixture.directory);
  await write(a!);
  const { digest } = await store.resolve("m");
  await write(b!);
  notEqual((await store.resolve("m")).digest, digest);
});

Deno.test("resolve() waits for a manifest that is being written", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await fixture.addModel("m", ggufBytes());
  const path = fixture.manifestPath("m");
  const whole = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, whole.slice(0, 40));
  const resolving = storeOf(fixture.directory).resolve("m");
  const finished = new Promise((resolve) => setTimeout(resolve, 40)).then(() =>
    Deno.writeTextFile(path, whole)
  );
  equal((await resolving).name, "m:latest");
  await finished;
});

Deno.test("resolve() ends with the signal's reason while it waits for a manifest", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await Deno.writeTextFile(await fixture.writeManifest("m", ""), "");
  const reason = new GatewayError("client_closed", "the client left");
  const controller = new AbortController();
  const resolving = storeOf(fixture.directory).resolve("m", { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 10);
  await rejects(resolving, reason);
  await rejects(storeOf(fixture.directory).listModels({ signal: controller.signal }), reason);
});

Deno.test("resolve() sees the old model or the new one, never a mixture, while a pull replaces it", async () => {
  await using fixture = await OllamaStoreFixture.create();
  const systems = new Map<string, string>();
  const manifests: string[] = [];
  for (const variant of ["a", "b", "c"]) {
    const { digest, manifestPath } = await fixture.addModel(variant, ggufBytes(variant), { system: variant });
    systems.set(digest, variant);
    manifests.push(await Deno.readTextFile(manifestPath));
  }
  const path = await fixture.writeManifest("m", manifests[0]);
  const store = storeOf(fixture.directory);
  const seen = new Set<string | undefined>();
  let isDone = false;
  const writing = (async () => {
    for (let index = 1; !isDone; index++) {
      await Deno.writeTextFile(path, manifests[index % 3]!); // truncates, then writes: as Ollama does
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  try {
    for (let count = 0; count < 100 || seen.size < 3; count++) {
      const { digest, system } = await store.resolve("m");
      equal(system, systems.get(digest!));
      seen.add(system);
    }
  } finally {
    isDone = true;
    await writing;
  }
  deepEqual([...seen].sort(), ["a", "b", "c"]);
});

Deno.test("resolve() starts over when a pull deletes the old weights between manifest and weights", async () => {
  await using fixture = await OllamaStoreFixture.create();
  const old = await fixture.addModel("m", ggufBytes("old"));
  const pulled = await fixture.addModel("pulled", ggufBytes("new"));
  let isPulled = false;
  const now = () => { // asked once the manifest has been read, and before the weights are looked for
    if (!isPulled) {
      Deno.copyFileSync(pulled.manifestPath, old.manifestPath);
      Deno.removeSync(old.modelPath);
      isPulled = true;
    }
    return Date.now();
  };
  const store = new ModelStore({ roots: [fixture.directory], clock: { ...systemClock, now } });
  equal((await store.resolve("m")).modelPath, pulled.modelPath);
  ok(isPulled);
});

Deno.test("listModels() lists each model once, over all roots, the first root first", async () => {
  await using one = await OllamaStoreFixture.create();
  await using two = await OllamaStoreFixture.create();
  await one.addModel("b:1", ggufBytes("one", 100), { license: "MIT", config: { model_type: "3B" } });
  await one.addModel("a:1", ggufBytes("one"));
  await two.addModel("B:1", ggufBytes("two"));
  await two.addModel("hf.co/u/c:1", ggufBytes("two"));
  await one.addManifest("gpt-oss:120b-cloud", [], {
    remote_host: "ollama.com",
    remote_model: "gpt-oss:120b",
  });
  const models = await storeOf(one.directory, two.directory).listModels();
  deepEqual(models.map(({ name, kind }) => [name, kind]), [
    ["a:1", "gguf"],
    ["b:1", "gguf"],
    ["gpt-oss:120b-cloud", "cloud"],
    ["hf.co/u/c:1", "gguf"],
  ]);
  const configSize = JSON.stringify({
    ...{ model_format: "gguf", model_family: "llama", model_type: "3B", file_type: "Q4_K_M" },
  }).length;
  equal(models[1]!.sizeBytes, 100 + "MIT".length + configSize);
  equal(models[1]!.parameterSize, "3B");
  equal(models[1]!.manifestDigest, (await storeOf(one.directory).resolve("b:1")).manifestDigest);
});

Deno.test("listModels() leaves out what is broken, logs that once, and ignores what is no manifest", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await fixture.addModel("good", ggufBytes());
  await fixture.writeManifest("broken", "{");
  for (
    const stray of [".DS_Store", "library/.DS_Store", "library/good/latest~", "library/good/.latest.swp"]
  ) {
    await Deno.writeTextFile(join(fixture.directory, "manifests", "registry.ollama.ai", stray), "{}");
  }
  await Deno.writeTextFile(join(fixture.directory, "manifests", ".DS_Store"), "");
  await Deno.mkdir(fixture.manifestPath("good:directory"));
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  const store = new ModelStore({ roots: [fixture.directory], logger });
  deepEqual((await store.listModels()).map(({ name }) => name), ["good:latest"]);
  await store.listModels();
  equal(lines.length, 1);
  match(lines[0]!, /"warn","message":"model left out of the list","path":".*broken\/latest"/);
});

Deno.test("listModels() skips a root that cannot be read, logs it, and lists the others", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await fixture.addModel("m", ggufBytes());
  const loop = join(fixture.home, "loop");
  await Deno.symlink("loop", loop);
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  const store = new ModelStore({ roots: [loop, fixture.directory], logger });
  deepEqual((await store.listModels()).map(({ name }) => name), ["m:latest"]);
  match(
    lines.join("\n"),
    /"model root skipped","root":".*loop","error":"Cannot read .*its links form a loop/,
  );
  equal((await store.resolve("m")).name, "m:latest");
  await rejects(store.resolve("zzz"), fails("model_unusable", /its links form a loop/));
});

Deno.test("listModels() merges spellings of one name and says so", async () => {
  await using fixture = await OllamaStoreFixture.create();
  await fixture.addModel("Llama3:8b", ggufBytes());
  await fixture.addModel("llama3:8b", ggufBytes());
  const models = await storeOf(fixture.directory).listModels();
  deepEqual(models.map(({ name, warnings }) => [name, warnings.length]), [["Llama3:8b", 1]]);
});

Deno.test("nearNames() sorts by likeness, counts as asked, and offers nothing that is unlike", async () => {
  await using fixture = await OllamaStoreFixture.create();
  for (const name of ["qwen3:8b", "qwen3:14b", "qwen2.5:7b", "gemma3:4b"]) {
    await fixture.addModel(name, ggufBytes());
  }
  const store = storeOf(fixture.directory);
  deepEqual(await store.nearNames("QWEN3:8"), ["qwen3:8b", "qwen3:14b", "qwen2.5:7b"]);
  deepEqual(await store.nearNames("qwen3:8", 1), ["qwen3:8b"]);
  deepEqual(await store.nearNames("x".repeat(100_000)), []);
});
