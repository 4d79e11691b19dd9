import { VERSION } from "./build_info.ts";
import type { CommandGroup, CommandNode } from "./command.ts";

/** The program as a tree of some or all of its commands. */
export function programOf(commands: readonly CommandNode[]): CommandGroup {
  return {
    name: "sollol",
    summary:
      "One HTTP endpoint for the language models of a homelab; large ones are spread over rpc backends.",
    version: VERSION,
    commands,
  };
}
