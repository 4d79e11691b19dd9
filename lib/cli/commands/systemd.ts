import { type Clock, systemClock } from "../../clock.ts";
import type { Environment } from "../../config/environment.ts";
import { ProcessHost } from "../../systemd/process_host.ts";
import type { UnitHost } from "../../systemd/unit_host.ts";
import { type Command, type CommandGroup, defineCommand } from "../command.ts";
import { JSON_OPTION } from "../output.ts";
import { type Action, ACTIONS, install, printUnits, showUnits, uninstall } from "../systemd_actions.ts";
import { PLACE_OPTIONS } from "../systemd_options.ts";
import type { RoleSpec } from "../systemd_role.ts";
import { ROLES } from "../systemd_units.ts";

/** What the commands work on; injected so that tests need no root. */
export interface SystemdSurroundings {
  /** The machine. */
  readonly openHost: (env: Environment) => UnitHost;
  /** Times waits. */
  readonly clock: Clock;
}

const THIS_MACHINE: SystemdSurroundings = { openHost: (env) => new ProcessHost(env), clock: systemClock };

/** `sollol systemd`: units for all that may run as a service. */
export function systemdCommands(surroundings: SystemdSurroundings = THIS_MACHINE): CommandGroup {
  return {
    name: "systemd",
    summary: "Run the gateway, a worker or parts of llama.cpp as services of systemd.",
    commands: [...ROLES.map((role) => roleCommand(role, surroundings)), statusCommand(surroundings)],
  };
}

const ABOUT_ACTIONS =
  "print, which may be left out, writes the units to stdout and changes nothing. install writes them to their place, " +
  "starts the service now and with the machine, and waits until it is up. uninstall stops it and removes all that " +
  "install made. status tells how it stands.\n\n" +
  "install may be repeated: it changes what has to change, and completes what was interrupted. A unit that somebody " +
  "edited is shown, not overwritten.";

function roleCommand(role: RoleSpec, { openHost, clock }: SystemdSurroundings): Command {
  return defineCommand({
    name: role.role,
    summary: role.summary,
    details: `${role.summary} ${role.details}\n\n${ABOUT_ACTIONS}`,
    positionals: [{ name: "ACTION", optional: true, choices: ACTIONS }],
    options: role.options,
    examples: role.examples.map((example) => `systemd ${example}`),
    async run(context) {
      const [action = "print"] = context.args as readonly Action[]; // safe: they are checked
      const tools = { host: openHost(context.env), clock };
      switch (action) {
        case "print":
          return await printUnits(role, context, tools);
        case "install":
          return await install(role, context, tools);
        case "uninstall":
          return await uninstall(role, context, tools);
        case "status":
          return await showUnits(role, context, tools);
      }
    },
  });
}

function statusCommand({ openHost, clock }: SystemdSurroundings): Command {
  return defineCommand({
    name: "status",
    summary: "Show how all units stand that sollol wrote.",
    options: { ...JSON_OPTION, ...PLACE_OPTIONS },
    examples: ["systemd status", "systemd status --user --json"],
    run: (context) => showUnits(undefined, context, { host: openHost(context.env), clock }),
  });
}
