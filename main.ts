import { demoCommand } from "./lib/cli/commands/demo.ts";
import { serveCommand } from "./lib/cli/commands/serve.ts";
import { withProcessHost } from "./lib/cli/host.ts";
import { createRoot } from "./lib/cli/root.ts";
import { runCli } from "./lib/cli/run.ts";
import { createApp } from "./routes/app.ts";

/** Runs the command line of this process to its end, and exits. */
export async function main(): Promise<never> {
  Deno.exit(
    await withProcessHost((host) => {
      const root = createRoot([serveCommand(createApp, host.onReload), demoCommand(createApp)]);
      return runCli(root, Deno.args, host);
    }),
  );
}

if (import.meta.main) await main();
