import { run } from "./run.ts";

/** Not in the lock file: nothing of it gets into the program. */
const ESBUILD = "npm:esbuild@0.28.2";

/**
 * Makes a script shorter, and ASCII: one letter beyond would have V8 keep all of it with two bytes each.
 *
 * Not by esbuild's `--minify-syntax`, and so not by Deno's `--minify`: what is used once is put in its place there, also
 * if it was declared by `using`, and is never disposed then (0.25.5, which Deno 2.9.6 has, and 0.28.2).
 *
 * @param from Path of an ES module.
 * @param to Gets what comes of it.
 */
export async function minify(from: string, to: string): Promise<void> {
  const how = ["--minify-whitespace", "--minify-identifiers", "--format=esm", "--target=esnext"];
  const source = await run(Deno.execPath(), [
    ...["run", "--quiet", "--allow-all", "--no-config", "--no-lock", ESBUILD],
    ...[from, ...how, "--log-level=error"],
  ]);
  await Deno.writeTextFile(to, asciiOf(source));
}

/** The same program: esbuild escapes what stands in strings by itself, but not in regular expressions. */
function asciiOf(source: string): string {
  return source.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
