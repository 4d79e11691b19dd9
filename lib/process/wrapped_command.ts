import { findOnPath } from "./executable.ts";

/** What a child is started through, before its own command. */
export interface WrapOptions {
  /** Starts the child with SIGPIPE ignored, as systemd does. */
  ignoreSigpipe?: boolean | undefined;
  /** Path of setpriv: lets the kernel kill the child when we die without a chance to do it; see {@linkcode findSetpriv}. */
  setpriv?: string | undefined;
}

/**
 * Puts the wrappers before a command. Each ends in `exec`, so that the child keeps the pid that we know.
 *
 * SIGKILL, not SIGTERM, at our death: a llama-server that waits for an rpc backend ignores SIGTERM, and
 * nobody is left who would insist.
 */
export function wrapCommand(command: readonly string[], options: WrapOptions): [string, ...string[]] {
  const lifetime = options.setpriv ? [options.setpriv, "--pdeathsig", "SIGKILL", "--"] : [];
  // Spawning resets ignored signals in the child; what a shell traps as '' stays ignored across exec.
  const sigpipe = options.ignoreSigpipe ? ["/bin/sh", "-c", `trap '' PIPE; exec "$@"`, "sh"] : [];
  const [program, ...args] = [...lifetime, ...sigpipe, ...command];
  if (program === undefined) throw new TypeError("wrapCommand() needs a command");
  return [program, ...args];
}

let setprivSearch: Promise<string | undefined> | undefined;

/**
 * The path of util-linux' setpriv if its `--pdeathsig` works here; looked for once. Busybox and macOS have none.
 *
 * The kernel watches the *thread* that spawned. Deno spawns on the thread of the isolate, so a child that is
 * started from the main program lives as long as the process, one from a Web Worker only as long as that.
 *
 * @see prctl(2), PR_SET_PDEATHSIG
 */
export function findSetpriv(): Promise<string | undefined> {
  return setprivSearch ??= searchSetpriv();
}

/** Whether a child dies with us here even if we are killed: for tests of that. */
export async function canBindLifetime(): Promise<boolean> {
  return await findSetpriv() !== undefined;
}

async function searchSetpriv(): Promise<string | undefined> {
  const path = await findOnPath("setpriv", Deno.env.get("PATH"));
  if (path === undefined) return undefined;
  const trial = new Deno.Command(path, {
    args: ["--pdeathsig", "SIGKILL", "--", "true"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  return await trial.output().then(({ success }) => success ? path : undefined, () => undefined);
}
