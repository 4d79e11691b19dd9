import { fileURLToPath } from "node:url";
import metadata from "../../deno.json" with { type: "json" };

/** The repository. */
export const PROJECT_DIRECTORY = fileURLToPath(new URL("../../", import.meta.url));

/** Where everything that is built goes. */
export const DIST_DIRECTORY = `${PROJECT_DIRECTORY}dist`;

/**
 * What the program may do: everything. Deno lets only such programs read `/proc`, `/sys` and most of `/dev`, where it learns
 * of memory, processes, sockets and GPUs; whatever else is denied, or left out, takes that away, too (2.9.6).
 */
export const PERMISSION_FLAGS = ["--allow-all", "--no-prompt"] as const;

/** Unstable features of Deno that the program needs once it runs. */
export const UNSTABLE_FLAGS: readonly string[] = metadata.unstable
  .filter((feature) => feature !== "npm-lazy-caching") // a bundle fetches no packages
  .map((feature) => `--unstable-${feature}`);

/** A bundle has all that it needs: nothing is looked for beside it, or fetched. */
export const SELF_CONTAINED_FLAGS = [
  "--no-config",
  "--no-lock",
  "--no-remote",
  "--no-npm",
  "--cached-only",
  "--node-modules-dir=none",
] as const;
