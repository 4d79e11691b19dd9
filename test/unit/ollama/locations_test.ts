import { deepEqual, equal, match } from "node:assert/strict";
import { findModelRoots, type Machine } from "../../../lib/ollama/locations.ts";

/** A machine with stores in these directories; `closed` ones cannot be looked at. */
function machine(
  stores: string[],
  { closed = [], ...rest }: Partial<Machine> & { closed?: string[] } = {},
): Machine {
  const present = new Set(stores.flatMap((store) => [`${store}/manifests`, `${store}/blobs`]));
  return {
    env: {},
    home: "/home/ann",
    platform: "linux",
    readEntry: (path) => {
      if (closed.some((directory) => path.startsWith(directory))) {
        return Promise.reject(new Error(`permission denied at "${closed}"`));
      }
      return Promise.resolve(present.has(path.replaceAll("\\", "/")) ? { type: "directory" } : undefined);
    },
    ...rest,
  };
}

const pathsOf = async (of: Machine) => (await findModelRoots(of)).roots.map(({ path }) => path);

Deno.test("findModelRoots() names every store that is there, that of the service first", async () => {
  const { roots, unreadable } = await findModelRoots(
    machine(["/home/ann/.ollama/models", "/usr/share/ollama/.ollama/models", "/var/lib/ollama"]),
  );
  deepEqual(roots, [
    { path: "/usr/share/ollama/.ollama/models", because: "the service that Ollama's install script sets up" },
    { path: "/var/lib/ollama", because: "the package of Arch Linux" },
    { path: "/home/ann/.ollama/models", because: "Ollama run by this user" },
  ]);
  deepEqual(unreadable, []);
});

Deno.test("findModelRoots() wants manifests/ and blobs/ both", async () => {
  const readEntry = (path: string) => {
    return Promise.resolve(path.endsWith("/manifests") ? { type: "directory" } : undefined);
  };
  deepEqual(await pathsOf(machine([], { readEntry })), []);
});

for (
  const [value, path] of [
    ["/data/models", "/data/models"],
    ['  "/data/my models"  ', "/data/my models"],
    ["'/data/models'", "/data/models"],
    ["~/models", "~/models"],
  ] as const
) {
  Deno.test(`findModelRoots() reads OLLAMA_MODELS=${value} as Ollama does, and then looks nowhere else`, async () => {
    const env = { OLLAMA_MODELS: value };
    deepEqual(await pathsOf(machine(["/home/ann/.ollama/models"], { env })), [path]);
  });
}

for (const value of ["", "  ", '""']) {
  Deno.test(`findModelRoots() takes OLLAMA_MODELS=${JSON.stringify(value)} for not set`, async () => {
    const env = { OLLAMA_MODELS: value };
    deepEqual(await pathsOf(machine(["/home/ann/.ollama/models"], { env })), ["/home/ann/.ollama/models"]);
  });
}

Deno.test("findModelRoots() names what it may not look at, and goes on", async () => {
  const stores = ["/usr/share/ollama/.ollama/models", "/home/ann/.ollama/models"];
  const { roots, unreadable } = await findModelRoots(machine(stores, { closed: ["/usr/share/ollama"] }));
  deepEqual(roots.map(({ path }) => path), ["/home/ann/.ollama/models"]);
  equal(unreadable.length, 1);
  equal(unreadable[0]!.path, "/usr/share/ollama/.ollama/models");
  match(unreadable[0]!.because, /install script sets up: permission denied at/);
});

Deno.test("findModelRoots() looks only at home on a Mac and on Windows, and nowhere without a home", async () => {
  const service = "/usr/share/ollama/.ollama/models";
  const mac = machine([service, "/Users/ann/.ollama/models"], { home: "/Users/ann", platform: "darwin" });
  deepEqual(await pathsOf(mac), ["/Users/ann/.ollama/models"]);
  const windows = machine(["C:/Users/ann/.ollama/models"], { home: "C:\\Users\\ann", platform: "windows" });
  deepEqual(await pathsOf(windows), ["C:\\Users\\ann\\.ollama\\models"]);
  deepEqual(await pathsOf(machine([service], { home: undefined, platform: "darwin" })), []);
});

Deno.test("findModelRoots() names a store once when the home of this user is that of the service", async () => {
  const store = "/usr/share/ollama/.ollama/models";
  deepEqual(await pathsOf(machine([store], { home: "/usr/share/ollama" })), [store]);
});
