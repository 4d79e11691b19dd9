import type { Command, CommandGroup } from "./lib/cli/command.ts";
import { serveCommand } from "./lib/cli/commands/serve.ts";
import { withProcessHost } from "./lib/cli/host.ts";
import { programOf } from "./lib/cli/program.ts";
import { runCli } from "./lib/cli/run.ts";
import { createApp } from "./routes/app.ts";

/** Runs the command line of this process to its end, and exits. */
export async function main(): Promise<never> {
  Deno.exit(
    await withProcessHost(async (host) => {
      const serve = serveCommand(createApp, host.onReload);
      const root = Deno.args[0] === serve.name ? programOf([serve]) : await allCommands(serve);
      return await runCli(root, Deno.args, host);
    }),
  );
}

/** Loads them only now: the gateway, which needs none of the others, would take half as long again to start. */
async function allCommands(serve: Command): Promise<CommandGroup> {
  const [{ demoCommand }, { createRoot }] = await Promise.all([
    import("./lib/cli/commands/demo.ts"),
    import("./lib/cli/root.ts"),
  ]);
  return createRoot([serve, demoCommand(createApp)]);
}

if (import.meta.main) await main();
