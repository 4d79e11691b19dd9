import { equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ggufBytes, OllamaStoreFixture } from "../../fixtures/ollama_store.ts";

const SCRIPT = fileURLToPath(new URL("../../fixtures/resolve_as_nobody.ts", import.meta.url));

async function resolveAsNobody(root: string, name: string): Promise<string> {
  const args = ["run", "--allow-all", "--no-check", SCRIPT, root, name];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  equal(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout);
}

/** A store that others may read, as the service's usually is, but that nobody may write. */
async function readOnlyStore(): Promise<OllamaStoreFixture & { modelPath: string }> {
  const fixture = await OllamaStoreFixture.create();
  const { modelPath } = await fixture.addModel("m", ggufBytes());
  for (const directory of [fixture.home, fixture.directory, join(fixture.directory, "blobs")]) {
    await Deno.chmod(directory, 0o555);
  }
  return Object.assign(fixture, { modelPath });
}

const CLOSED: [what: string, pathOf: (store: OllamaStoreFixture & { modelPath: string }) => string][] = [
  ["a parent of the store", (store) => join(store.home, ".ollama")],
  ["the manifests", (store) => join(store.directory, "manifests", "registry.ollama.ai")],
  ["the blobs", (store) => join(store.directory, "blobs")],
  ["the weights alone", (store) => store.modelPath],
];

for (const [what, pathOf] of CLOSED) {
  Deno.test({
    name: `resolve() names the first path that is closed and the cure: ${what}`,
    ignore: Deno.build.os === "windows",
    async fn() {
      await using store = await readOnlyStore();
      const path = pathOf(store);
      await Deno.chmod(path, 0o000);
      const answer = await resolveAsNobody(store.directory, "m");
      await Deno.chmod(path, 0o700);
      match(answer, /^model_unusable .*permission denied at /);
      ok(answer.includes(`permission denied at "${path}"`), answer);
      match(answer, /uid \d+.*usermod -aG ollama.*setfacl -m/);
      await Deno.chmod(store.home, 0o700); // so that it can be removed
    },
  });
}

Deno.test({
  name: "resolve() names the closed directory behind a link, not the link",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using store = await readOnlyStore();
    await using link = await OllamaStoreFixture.create();
    await Deno.chmod(link.home, 0o755);
    await Deno.symlink(store.directory, join(link.home, "models"));
    const closed = join(store.home, ".ollama");
    await Deno.chmod(closed, 0o000);
    const answer = await resolveAsNobody(join(link.home, "models"), "m");
    await Deno.chmod(closed, 0o700);
    ok(answer.includes(`permission denied at "${closed}"`), answer);
    await Deno.chmod(store.home, 0o700);
  },
});

Deno.test({
  name: "resolve() needs no right to write",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using store = await readOnlyStore();
    equal(await resolveAsNobody(store.directory, "m"), store.modelPath);
    for (const directory of [store.home, store.directory, join(store.directory, "blobs")]) {
      await Deno.chmod(directory, 0o700);
    }
  },
});
