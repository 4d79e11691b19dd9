import type { Command, CommandGroup } from "./command.ts";
import { batchCommands } from "./commands/batch.ts";
import { backendsCommand } from "./commands/backends.ts";
import { completionCommand } from "./commands/completion.ts";
import { configCommands } from "./commands/config.ts";
import { discoverCommand } from "./commands/discover.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { helpCommand } from "./commands/help.ts";
import { keyCommands } from "./commands/key.ts";
import { loadCommand } from "./commands/load.ts";
import { loadsCommand } from "./commands/loads.ts";
import { logsCommand } from "./commands/logs.ts";
import { manCommand } from "./commands/man.ts";
import { nodesCommand } from "./commands/nodes.ts";
import { planCommand } from "./commands/plan.ts";
import { probeCommand } from "./commands/probe.ts";
import { psCommand } from "./commands/ps.ts";
import { registerCommand } from "./commands/register.ts";
import { routeCommand } from "./commands/route.ts";
import { resolveCommand } from "./commands/resolve.ts";
import { restartCommand } from "./commands/restart.ts";
import { setupCommand } from "./commands/setup.ts";
import { statusCommand } from "./commands/status.ts";
import { systemdCommands } from "./commands/systemd.ts";
import { unloadCommand } from "./commands/unload.ts";
import { versionCommand } from "./commands/version.ts";
import { workerCommand } from "./commands/worker.ts";
import { programOf } from "./program.ts";

/**
 * The whole command tree.
 *
 * @param composed Commands that `main.ts` has to put together, because they need what is above `lib/`.
 */
export function createRoot(composed: readonly Command[] = []): CommandGroup {
  return programOf([
    ...composed,
    workerCommand,
    statusCommand,
    doctorCommand,
    routeCommand,
    planCommand,
    psCommand,
    loadCommand,
    unloadCommand,
    restartCommand,
    logsCommand,
    nodesCommand,
    backendsCommand,
    registerCommand,
    discoverCommand,
    batchCommands,
    loadsCommand,
    probeCommand,
    resolveCommand,
    configCommands,
    keyCommands,
    setupCommand,
    systemdCommands(),
    completionCommand,
    manCommand,
    versionCommand,
    helpCommand,
  ]);
}
