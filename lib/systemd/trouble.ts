import type { UnitState } from "./unit_state.ts";

/** Exit codes that systemd itself gives, before a program runs. */
const SYSTEMD_EXITS: Readonly<Record<number, string>> = {
  200: "its working directory cannot be entered",
  203: "its program cannot be executed",
  216: "its group does not exist",
  217: "its user does not exist",
  218: "the kernel refuses the rights that it wants",
  226: "its sandbox cannot be set up: a path that it names is missing, or the kernel forbids it",
  228: "its filter of system calls cannot be set up",
  237: "a directory of its own cannot be made",
  238: "its state directory cannot be made",
  239: "its cache directory cannot be made",
  243: "its credentials cannot be read",
};

/** Why a unit is not up, in plain words, as a clause that follows its name; `undefined` if it is. */
export function troubleOf(state: UnitState): string | undefined {
  if (state.load === "not-found") return "systemd does not know it";
  if (state.load === "masked") return 'it is masked ("systemctl unmask" ends that)';
  if (state.load !== "loaded") return `systemd cannot read it (${state.load})`;
  if (state.active === "active" || state.active === "reloading") return undefined;
  const died = deathOf(state);
  if (state.active === "activating") {
    return state.sub === "auto-restart"
      ? `${died ?? "it ended"}, and is started again`
      : "it is still starting";
  }
  if (state.active === "deactivating") return "it is stopping";
  return died ?? (state.active === "inactive" ? "it does not run" : `it is ${state.active}`);
}

function deathOf({ result, exitStatus }: UnitState): string | undefined {
  switch (result) {
    case "success":
    case "":
      return undefined;
    case "exit-code":
      return SYSTEMD_EXITS[exitStatus] ?? `it ended with exit code ${exitStatus}`;
    case "signal":
    case "core-dump":
      return `signal ${exitStatus} ended it`;
    case "timeout":
      return "it was not ready, or not gone, in time";
    case "watchdog":
      return "it gave no sign of life, and the watchdog ended it";
    case "oom-kill":
      return "it took more memory than it may, and the kernel ended it";
    case "start-limit-hit":
      return 'it ended too often in a row ("systemctl reset-failed" lets it try again)';
    case "resources":
      return "systemd could not give it what it needs";
    default:
      return `it failed (${result})`;
  }
}
