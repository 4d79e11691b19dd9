import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.ts";
import { DIST_DIRECTORY, PERMISSION_FLAGS, SELF_CONTAINED_FLAGS, UNSTABLE_FLAGS } from "./project.ts";
import { run } from "./run.ts";
import { failBuild, tellBuilt } from "./tell.ts";

/** Systems that sollol is compiled for. */
export const TARGETS: readonly string[] = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
];

/** It cannot be compiled, for a reason that is told in full. */
export class CompileError extends Error {}

/**
 * Compiles a bundle to an executable.
 *
 * @param path Of the executable; nothing is there unless it is whole.
 * @param denort Path of Deno's runtime for compiled programs; `undefined`: Deno fetches the one of the target.
 * @throws {CompileError} If there is no such runtime.
 */
export async function compile(
  bundled: string,
  path: string,
  { target, denort }: { target: string; denort: string | undefined },
): Promise<void> {
  const unfinished = `${path}.new`; // Deno itself leaves nothing of it if it fails
  await run(Deno.execPath(), [
    ...["compile", "--quiet", "--no-check", ...SELF_CONTAINED_FLAGS, ...PERMISSION_FLAGS, ...UNSTABLE_FLAGS],
    ...["--app-name", "sollol", "--target", target, "--output", unfinished, bundled],
  ], { env: denort === undefined ? {} : { DENORT_BIN: denort } }).catch((cause) => {
    throw new CompileError(explain(target, denort, cause.message), { cause });
  });
  await Deno.rename(unfinished, path);
}

/** What can fail once there is a bundle is Deno's runtime: out of reach, or of another system. */
function explain(target: string, denort: string | undefined, said: string): string {
  const reasons = [...said.matchAll(/^ +\d+: (.*)$/gm)].map(([, reason]) => reason);
  const runtime = `Deno's runtime for compiled programs (denort ${Deno.version.deno})`;
  return `Cannot compile sollol for ${target}: ${runtime} cannot be ${
    denort ? `taken from ${denort}` : "had"
  }.\n` +
    `${reasons.slice(0, 2).join("\n") || said}\n` +
    "Name one that you have by DENORT_BIN, or build the portable form, which needs npm alone: deno task portable";
}

/** @throws {CompileError} Unless the executable runs, and is sollol: Deno takes any file for its runtime. */
async function assertRuns(path: string): Promise<void> {
  const said = await run(path, ["--version"]).catch((error) => String(error.message));
  if (said.startsWith("sollol ")) return;
  await Deno.remove(path);
  throw new CompileError(
    `Cannot compile sollol: what was compiled says "${said.trim().split("\n")[0]}" of its version. ` +
      `DENORT_BIN has to name denort ${Deno.version.deno}; the program \`deno\` is none`,
  );
}

/** `dist/sollol` for this system, with the target's name behind it for another. */
async function main(target: string): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "sollol-compile-" });
  try {
    const isOwn = target === Deno.build.target;
    const compiled = join(directory, "sollol");
    await compile(await bundle(directory), compiled, { target, denort: Deno.env.get("DENORT_BIN") });
    if (isOwn) await assertRuns(compiled);
    await Deno.mkdir(DIST_DIRECTORY, { recursive: true });
    const path = join(DIST_DIRECTORY, isOwn ? "sollol" : `sollol-${target}`);
    await Deno.copyFile(compiled, `${path}.new`);
    await Deno.rename(`${path}.new`, path);
    await tellBuilt(path);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { target: { type: "string", default: Deno.build.target } } });
  try {
    if (!TARGETS.includes(values.target)) {
      throw new CompileError(`Cannot compile for "${values.target}": the targets are ${TARGETS.join(", ")}`);
    }
    await main(values.target);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    failBuild(error.message);
  }
}
