import type { Command, CommandGroup } from "./command.ts";
import { helpCommand } from "./commands/help.ts";
import { probeCommand } from "./commands/probe.ts";
import { resolveCommand } from "./commands/resolve.ts";
import { setupCommand } from "./commands/setup.ts";
import { VERSION, versionCommand } from "./commands/version.ts";

/**
 * The whole command tree.
 *
 * @param composed Commands that `main.ts` has to put together, because they need what is above `lib/`.
 */
export function createRoot(composed: readonly Command[] = []): CommandGroup {
  return {
    name: "sollol",
    summary:
      "One HTTP endpoint for the language models of a homelab; large ones are spread over rpc backends.",
    version: VERSION,
    commands: [...composed, resolveCommand, probeCommand, setupCommand, versionCommand, helpCommand],
  };
}
