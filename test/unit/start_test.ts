import { deepEqual, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly code?: { readonly specifier?: string };
    readonly isDynamic?: boolean;
  }[];
}

/** What is imported from outside by `main.ts` and by all that it imports at once. */
async function loadedAtOnce(): Promise<string[]> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    stderr: "inherit",
  }).output();
  ok(success, "deno info --json main.ts failed");
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
  const known = new Map(modules.map((module) => [module.specifier, module]));
  const reached = new Set([new URL("../../main.ts", import.meta.url).href]);
  for (const specifier of reached) { // which grows meanwhile
    for (const { code, isDynamic } of known.get(specifier)?.dependencies ?? []) {
      if (!isDynamic && code?.specifier) reached.add(code.specifier);
    }
  }
  return [...reached].filter((specifier) => !specifier.startsWith("file:"))
    .map((specifier) => specifier.replace(/(?<=.)@[\d.]+$/, ""));
}

Deno.test("the gateway starts with the libraries that it needs to listen, and loads the others on demand", async () => {
  deepEqual((await loadedAtOnce()).sort(), [
    "node:buffer",
    "node:path",
    "node:sqlite",
    "node:timers/promises",
    "node:url",
    "node:util",
    "npm:hono",
    "npm:leven",
    "npm:zod",
  ]);
});
