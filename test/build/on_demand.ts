import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Modules of the runtime that no start needs. In one file, every import of them would stand at the top, and have them loaded
 * at once: a fifth of the start.
 */
const NAMES = [
  "node:crypto",
  "node:fs",
  "node:fs/promises",
  "node:http",
  "node:net",
  "node:process",
  "node:readline",
  "node:stream",
  "node:tty",
] as const;

/** What Deno puts at the head of a bundle; it would load all modules of the runtime. */
const REQUIRE =
  /^import \{ createRequire as (\w+) \} from "node:module";\nvar __require = \1\(import\.meta\.url\);$/m;
/** How packages import, whom no import map tells otherwise. */
const DEFAULT_IMPORT = new RegExp(`^import (\\w+) from "(${NAMES.join("|")})";$`, "gm");
const LEFT = new RegExp(`^import .*"(${NAMES.join("|")}|node:module)";$`, "m");

const HEAD = `var __require = (name) => process.getBuiltinModule(name);
var __onDemand = (name) => new Proxy({}, { get: (_, key) => __require(name)[key] });`;

/**
 * For an import map: in the place of each of these modules one that loads it when somebody needs it.
 *
 * @param directory Gets what the map leads to.
 */
export async function importsOnDemand(directory: string): Promise<Record<string, string>> {
  const imports: Record<string, string> = {};
  for (const name of NAMES) {
    const path = join(directory, `${name.replaceAll(/\W/g, "_")}.cjs`);
    await Deno.writeTextFile(path, `module.exports = process.getBuiltinModule("${name}");\n`);
    imports[name] = pathToFileURL(path).href;
  }
  return imports;
}

/**
 * The same bundle, in which what packages import of these modules is loaded on demand, too.
 *
 * @throws {Error} If one is imported in a way that is not known here.
 */
export function loadingOnDemand(bundle: string): string {
  const changed = bundle.replace(REQUIRE, () => HEAD)
    .replaceAll(DEFAULT_IMPORT, (_, variable, name) => `var ${variable} = __onDemand("${name}");`);
  const left = LEFT.exec(changed);
  if (left) throw new Error(`Cannot bundle: this would be loaded at each start: ${left[0]}`);
  return changed;
}
