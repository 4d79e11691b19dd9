import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { ConfigError } from "../../../lib/config/config_error.ts";
import { loadConfig, MAX_CONFIG_BYTES } from "../../../lib/config/load.ts";

/** A home directory with these files below it, removed at the end of its block. */
async function homeWith(files: Record<string, string | Uint8Array>) {
  const home = await Deno.makeTempDir();
  for (const [path, content] of Object.entries(files)) {
    await Deno.mkdir(join(home, path, ".."), { recursive: true });
    await Deno.writeFile(
      join(home, path),
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
  }
  return { home, [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }) };
}

const refusal = (pattern: RegExp) => (error: unknown) =>
  error instanceof ConfigError && pattern.test(error.message);

Deno.test("loadConfig() reads the first file that exists in the usual places", async () => {
  await using disk = await homeWith({ ".config/sollol/config.yaml": "listen: 8001" });
  const env = { HOME: disk.home, XDG_CONFIG_HOME: join(disk.home, "none") };
  const { config, path } = await loadConfig({ env });
  equal(config.listen.port, 8001);
  equal(path, join(disk.home, ".config/sollol/config.yaml"));
});

Deno.test("loadConfig() reads only the file that is named", async () => {
  await using disk = await homeWith({
    ".config/sollol/config.yaml": "listen: 8001",
    "other.json": '{"model": "m"}',
  });
  const { config } = await loadConfig({ env: { HOME: disk.home }, path: join(disk.home, "other.json") });
  deepEqual([config.listen.port, config.model], [11_435, "m"]);
});

Deno.test("loadConfig() insists on a file that is named, by flag or by variable", async () => {
  await using disk = await homeWith({});
  const missing = join(disk.home, "missing.yaml");
  await rejects(
    loadConfig({ env: {}, path: missing }),
    refusal(/cannot read .*missing\.yaml: there is no such file/),
  );
  await rejects(loadConfig({ env: { SOLLOL_CONFIG: missing } }), refusal(/there is no such file/));
});

Deno.test("loadConfig() refuses a file that is too large, no text, or a directory", async () => {
  await using disk = await homeWith({
    "large.yaml": "#".repeat(MAX_CONFIG_BYTES + 1),
    "binary.yaml": new Uint8Array([0x6d, 0x3a, 0xff, 0xfe]),
  });
  const load = (name: string) => loadConfig({ env: {}, path: join(disk.home, name) });
  await rejects(load("large.yaml"), refusal(/cannot read .*large\.yaml: it is larger than 1\.00 MiB/));
  await rejects(load("binary.yaml"), refusal(/cannot read .*binary\.yaml: it is not UTF-8 text/));
  await rejects(load("."), refusal(/cannot read .*: .*directory/i));
});

Deno.test("loadConfig() takes a file of exactly the limit, and one from a pipe that has no size", async () => {
  await using disk = await homeWith({ "full.yaml": "model: m\n".padEnd(MAX_CONFIG_BYTES, "#") });
  equal((await loadConfig({ env: {}, path: join(disk.home, "full.yaml") })).config.model, "m");
  const pipe = join(disk.home, "pipe");
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  const [loaded] = await Promise.all([
    loadConfig({ env: {}, path: pipe }),
    Deno.writeTextFile(pipe, "model: p"),
  ]);
  equal(loaded.config.model, "p");
});
