import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundle, BUNDLE_FILE } from "./bundle.ts";
import { denoFor, type Platform, PLATFORMS } from "./deno_runtime.ts";
import { collectLicences } from "./licences.ts";
import { packPortable } from "./pack_portable.ts";
import { DIST_DIRECTORY } from "./project.ts";
import { failBuild, tellBuilt } from "./tell.ts";

/** Deno keeps the compiled code of a module for the next start if it was imported when an event loop already runs. */
const START = `const { main } = await import("./${BUNDLE_FILE}");\nawait main();\n`;

/**
 * Makes one file with all that sollol needs to run on a platform.
 *
 * @param bundled Path of the bundle.
 * @param directory Gets the file.
 * @returns Its path.
 * @throws {Error} If a part of it cannot be had.
 */
export async function buildPortable(bundled: string, platform: Platform, directory: string): Promise<string> {
  const temporary = await Deno.makeTempDir({ prefix: "sollol-portable-" });
  try {
    const content = join(temporary, "content");
    await Deno.mkdir(content);
    const deno = await denoFor(platform, temporary);
    await Deno.copyFile(deno.executable, join(content, "deno"));
    await Deno.chmod(join(content, "deno"), 0o755);
    await Deno.copyFile(bundled, join(content, BUNDLE_FILE));
    await Deno.writeTextFile(join(content, "start.js"), START);
    await Deno.writeTextFile(join(content, "LICENSES"), await collectLicences(deno.licence));
    await Deno.mkdir(directory, { recursive: true });
    const path = join(directory, `sollol-portable-${platform.name}`);
    await packPortable(content, platform.machine, path);
    return path;
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { target: { type: "string", default: Deno.build.target } } });
  const platform = PLATFORMS.find(({ target }) => target === values.target);
  if (platform === undefined) {
    const known = PLATFORMS.map(({ target }) => target).join(" and ");
    failBuild(`The portable form is made for ${known}, not for ${values.target}; try deno task compile`);
  }
  await tellBuilt(await buildPortable(await bundle(DIST_DIRECTORY), platform, DIST_DIRECTORY));
}
