import { ok } from "node:assert/strict";

/** Mounts a file system of its own, until disposal. Only root may. */
export async function mountTmpfs(path: string, options: string): Promise<AsyncDisposable> {
  await Deno.mkdir(path);
  await run("mount", "-t", "tmpfs", "-o", options, "tmpfs", path);
  return { [Symbol.asyncDispose]: () => run("umount", path) };
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
