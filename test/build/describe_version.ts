import metadata from "../../deno.json" with { type: "json" };
import { PROJECT_DIRECTORY } from "./project.ts";
import { run } from "./run.ts";

/** The version and what it is built from: `0.1.0 (abc1234)`; where there is no git, the version alone. */
export async function describeVersion(): Promise<string> {
  const git = (...args: string[]) => run("git", args, { cwd: PROJECT_DIRECTORY }).catch(() => undefined);
  const commit = await git("rev-parse", "--short=7", "HEAD");
  const changes = await git("status", "--porcelain");
  return formatVersion(metadata.version, commit?.trim(), changes !== "");
}

/** @param isChanged Whether the tree is not as it was committed. */
export function formatVersion(version: string, commit: string | undefined, isChanged: boolean): string {
  if (commit === undefined) return version;
  return `${version} (${commit}${isChanged ? ", changed" : ""})`;
}
