import { dirname, join } from "node:path";
import { run } from "./run.ts";

/** A platform that the portable form is made for, in the words of npm's packages of Deno, of `uname -m` and of Deno. */
export interface Platform {
  readonly name: string;
  readonly machine: string;
  readonly target: string;
}

/** All of them. */
export const PLATFORMS: readonly Platform[] = [
  { name: "linux-x64", machine: "x86_64", target: "x86_64-unknown-linux-gnu" },
  { name: "linux-arm64", machine: "aarch64", target: "aarch64-unknown-linux-gnu" },
];

/** Deno's executable, and its licence. */
export interface DenoRuntime {
  /** Path of the executable. */
  readonly executable: string;
  /** Text. */
  readonly licence: string;
}

/**
 * Deno for a platform: the one that runs this, or that of npm's package for another platform, of the same version.
 *
 * @param directory Gets what is fetched.
 * @throws {Error} If npm does not give it.
 */
export async function denoFor(platform: Platform, directory: string): Promise<DenoRuntime> {
  const licence = await findLicence(directory);
  if (platform.target === Deno.build.target) return { executable: Deno.execPath(), licence };
  const unpacked = await fetchPackage(`@deno/${platform.name}-glibc@${Deno.version.deno}`, directory);
  return { executable: join(unpacked, "deno"), licence };
}

/** It lies in npm's package `deno`, beside the executable; other ways of installing Deno leave it out. */
async function findLicence(directory: string): Promise<string> {
  const beside = join(dirname(await Deno.realPath(Deno.execPath())), "LICENSE");
  return await Deno.readTextFile(beside).catch(async () => {
    const unpacked = await fetchPackage(`deno@${Deno.version.deno}`, directory);
    return await Deno.readTextFile(join(unpacked, "LICENSE"));
  });
}

/** @returns Where its files are. */
async function fetchPackage(spec: string, directory: string): Promise<string> {
  const into = await Deno.makeTempDir({ dir: directory });
  const [{ filename }] = JSON.parse(
    await run("npm", ["pack", "--json", "--pack-destination", into, spec]),
  ) as [{ filename: string }];
  await run("tar", ["-xzf", join(into, filename), "-C", into]);
  return join(into, "package");
}
