import { deepEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findOnPath, isExecutable } from "../../../lib/process/executable.ts";

const SCRIPT = fileURLToPath(new URL("../../fixtures/executable_as_nobody.ts", import.meta.url));
/** Any that exists nowhere. */
const GROUP = 54_321;
const OTHER_GROUP = 54_322;
const setpriv = await findOnPath("setpriv", Deno.env.get("PATH"));
const canBecomeOthers = Deno.uid() === 0 && setpriv !== undefined;

Deno.test("isExecutable() is what the bits of a file say for its owner, or for root", async () => {
  const path = await Deno.makeTempFile();
  try {
    const found: boolean[] = [];
    for (const mode of [0o600, 0o700]) {
      await Deno.chmod(path, mode);
      found.push(await isExecutable(path));
    }
    deepEqual([...found, await isExecutable(`${path}/below`), await isExecutable("/")], [
      false,
      true,
      false,
      false,
    ]);
  } finally {
    await Deno.remove(path);
  }
});

async function askAsNobody(path: string, group: number): Promise<string> {
  const program = [Deno.execPath(), "run", "--quiet", "--cached-only", "--allow-all", SCRIPT, path];
  const args = ["--groups", String(group), "--", ...program];
  const { stdout, stderr } = await new Deno.Command(setpriv!, { args, stdin: "null" }).output();
  return new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr);
}

const why = canBecomeOthers ? "" : " (skipped: that needs root and setpriv)";
Deno.test({
  name: `isExecutable() counts all groups that a user is in${why}`,
  ignore: !canBecomeOthers,
  fn: async () => {
    const directory = await Deno.makeTempDir();
    try {
      await Deno.chmod(directory, 0o755);
      const path = `${directory}/program`;
      await Deno.writeTextFile(path, "#!/bin/sh\n");
      await Deno.chown(path, 0, GROUP);
      await Deno.chmod(path, 0o710);
      const answers = await Promise.all([GROUP, OTHER_GROUP].map((group) => askAsNobody(path, group)));
      deepEqual(answers, ["true", "false"]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
