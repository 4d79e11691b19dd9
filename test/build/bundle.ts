import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import metadata from "../../deno.json" with { type: "json" };
import { describeVersion } from "./describe_version.ts";
import { minify } from "./minify.ts";
import { importsOnDemand, loadingOnDemand } from "./on_demand.ts";
import { DIST_DIRECTORY, PROJECT_DIRECTORY } from "./project.ts";
import { run } from "./run.ts";
import { tellBuilt } from "./tell.ts";

/** All of sollol and its packages in one file, which starts sollol where it is the main module. */
export const BUNDLE_FILE = "sollol.js";

/**
 * Bundles `main.ts`, minified, with the version and commit in it. What that needs beside Deno is esbuild, which Deno fetches
 * from npm by itself; the lock file does not know it.
 *
 * @param directory Gets the file {@linkcode BUNDLE_FILE}.
 * @returns Its path.
 * @throws {Error} With what Deno said, if it cannot be bundled.
 */
export async function bundle(directory: string): Promise<string> {
  const temporary = await Deno.makeTempDir({ prefix: "sollol-bundle-" });
  try {
    const bundled = join(temporary, BUNDLE_FILE);
    const importMap = await writeImportMap(temporary, await describeVersion());
    await run(Deno.execPath(), [
      ...["bundle", "--quiet", "--frozen", "--import-map", importMap],
      ...["--output", bundled, "main.ts"],
    ], { cwd: PROJECT_DIRECTORY });
    const source = await Deno.readTextFile(bundled);
    await Deno.writeTextFile(bundled, loadingOnDemand(await withoutPackageCache(source)));
    const path = join(directory, BUNDLE_FILE);
    await Deno.mkdir(directory, { recursive: true });
    await minify(bundled, `${path}.new`);
    await Deno.rename(`${path}.new`, path);
    return path;
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

/** Puts a file that holds the version in the place of the one that reads it from `deno.json`. */
async function writeImportMap(directory: string, version: string): Promise<string> {
  const baked = join(directory, "build_info.ts");
  await Deno.writeTextFile(baked, `export const VERSION: string = ${JSON.stringify(version)};\n`);
  const imports = {
    ...metadata.imports,
    ...await importsOnDemand(directory),
    [pathToFileURL(join(PROJECT_DIRECTORY, "lib/cli/build_info.ts")).href]: pathToFileURL(baked).href,
  };
  const path = join(directory, "import_map.json");
  await Deno.writeTextFile(path, JSON.stringify({ imports }));
  return path;
}

/** CommonJS modules are named by their paths, which are another machine's business, and differ from build to build. */
async function withoutPackageCache(source: string): Promise<string> {
  const { denoDir } = JSON.parse(await run(Deno.execPath(), ["info", "--json"]));
  return source.replaceAll(`${relative(PROJECT_DIRECTORY, denoDir)}/`, "");
}

if (import.meta.main) await tellBuilt(await bundle(DIST_DIRECTORY));
