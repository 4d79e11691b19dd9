import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { makeOwnedDirectory } from "../../../lib/process/owned_directory.ts";

/** A directory of its own for each test; the names in it afterwards. */
async function withParent(test: (parent: string) => Promise<void>): Promise<string[]> {
  const parent = await Deno.makeTempDir();
  try {
    await test(parent);
    return [...Deno.readDirSync(parent)].map(({ name }) => name).toSorted();
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

/** What a killed owner leaves: its lock is nobody's. */
async function abandon(parent: string, name: string, lock = "owner.lock"): Promise<string> {
  const path = join(parent, name);
  await Deno.mkdir(path);
  await Deno.writeTextFile(join(path, lock), "");
  await Deno.writeTextFile(join(path, "http.sock"), "");
  return path;
}

Deno.test("makeOwnedDirectory() makes a private directory, and disposal leaves nothing", async () => {
  const left = await withParent(async (parent) => {
    await using owned = await makeOwnedDirectory(parent);
    match(owned.path, /\/sollol-run-\w+$/);
    equal((await Deno.stat(owned.path)).mode! & 0o777, 0o700);
  });
  deepEqual(left, []);
});

Deno.test("makeOwnedDirectory() removes what killed owners left: each start used to add one", async () => {
  const left = await withParent(async (parent) => {
    await abandon(parent, "sollol-run-dead");
    await using _owned = await makeOwnedDirectory(parent);
  });
  deepEqual(left, []);
});

Deno.test("makeOwnedDirectory() leaves alone what a living owner has, and what is not ours", async () => {
  const left = await withParent(async (parent) => {
    await abandon(parent, "llama-dead");
    await abandon(parent, "sollol-run-without-lock", "another.lock");
    const living = await abandon(parent, "sollol-run-living");
    await Deno.writeTextFile(join(parent, "sollol-run-file"), "");
    await using owner = startHolder(join(living, "owner.lock"));
    await owner.isHolding;
    await using _first = await makeOwnedDirectory(parent);
    const { path } = _first;
    await using _second = await makeOwnedDirectory(parent);
    equal((await Deno.stat(path)).isDirectory, true, "two of one process leave each other alone");
    equal((await Deno.stat(living)).isDirectory, true);
  });
  deepEqual(left, ["llama-dead", "sollol-run-file", "sollol-run-living", "sollol-run-without-lock"]);
});

Deno.test("makeOwnedDirectory() removes the directory of an owner that was killed a moment ago", async () => {
  const left = await withParent(async (parent) => {
    const path = await abandon(parent, "sollol-run-killed");
    const owner = startHolder(join(path, "owner.lock"));
    await owner.isHolding;
    await owner[Symbol.asyncDispose]();
    await using _owned = await makeOwnedDirectory(parent);
  });
  deepEqual(left, []);
});

/** Another process that holds a lock until it is killed. */
function startHolder(path: string): AsyncDisposable & { isHolding: Promise<void> } {
  const code = `(await Deno.open(${
    JSON.stringify(path)
  }, { write: true })).lockSync(true); console.log("held");
    setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", code], stdout: "piped" }).spawn();
  const reader = child.stdout.getReader();
  return {
    isHolding: reader.read().then(() => {}),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    },
  };
}
