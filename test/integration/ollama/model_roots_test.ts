import { deepEqual, match } from "node:assert/strict";
import { join } from "node:path";
import { createLogger } from "../../../lib/log.ts";
import { chooseModelRoots } from "../../../lib/ollama/model_roots.ts";

/** What {@linkcode chooseModelRoots} logs about roots in a directory with a store, a file and a dangling link. */
async function choose(names: readonly string[], env: Record<string, string> = {}) {
  const directory = await Deno.makeTempDir();
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(directory, { recursive: true }));
  await Deno.mkdir(join(directory, "store"));
  await Deno.writeTextFile(join(directory, "m.gguf"), "");
  await Deno.symlink(join(directory, "unmounted"), join(directory, "link"));
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ sink: (line) => lines.push(JSON.parse(line)) });
  const configured = names.map((name) => join(directory, name));
  const roots = await chooseModelRoots({ configured, env, logger });
  deepEqual(roots, names.length > 0 ? configured : Object.values(env));
  return lines.filter(({ level }) => level === "warn");
}

Deno.test("chooseModelRoots() says nothing of roots that are there", async () => {
  deepEqual(await choose(["store", "m.gguf"]), []);
});

Deno.test("chooseModelRoots() warns of each root that is missing, with the cure", async () => {
  const [first, second, ...others] = await choose(["nope", "store", "neither"]);
  deepEqual([first!["message"], second!["message"], others], [
    "model root missing",
    "model root missing",
    [],
  ]);
  match(String(first!["path"]), /\/nope$/);
  match(String(first!["cure"]), /mount it, or correct models, --models or OLLAMA_MODELS/);
});

Deno.test("chooseModelRoots() warns of a root that cannot be read, and why", async () => {
  const [warning, ...others] = await choose(["link"]);
  deepEqual([warning!["message"], others], ["model root unreadable", []]);
  match(String(warning!["because"]), /it is a link to ".*unmounted", which does not exist; mount or restore/);
});

Deno.test("chooseModelRoots() warns of an OLLAMA_MODELS that leads nowhere", async () => {
  const [warning] = await choose([], { OLLAMA_MODELS: "/nonexistent/models" });
  deepEqual([warning!["message"], warning!["path"]], ["model root missing", "/nonexistent/models"]);
});
