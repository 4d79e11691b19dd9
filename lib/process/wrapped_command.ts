/** What a child is started through, before its own command. */
export interface WrapOptions {
  /** Starts the child with SIGPIPE ignored, as systemd does. */
  ignoreSigpipe?: boolean | undefined;
  /** Lets the kernel kill the child when we die without a chance to do it; see {@linkcode canBindLifetime}. */
  bindLifetime?: boolean | undefined;
}

/**
 * Puts the wrappers before a command. Each ends in `exec`, so that the child keeps the pid that we know.
 *
 * SIGKILL, not SIGTERM, at our death: a llama-server that waits for an rpc backend ignores SIGTERM, and
 * nobody is left who would insist.
 */
export function wrapCommand(command: readonly string[], options: WrapOptions): [string, ...string[]] {
  const lifetime = options.bindLifetime ? ["setpriv", "--pdeathsig", "SIGKILL", "--"] : [];
  // Spawning resets ignored signals in the child; what a shell traps as '' stays ignored across exec.
  const sigpipe = options.ignoreSigpipe ? ["sh", "-c", `trap '' PIPE; exec "$@"`, "sh"] : [];
  const [program, ...args] = [...lifetime, ...sigpipe, ...command];
  if (program === undefined) throw new TypeError("wrapCommand() needs a command");
  return [program, ...args];
}

let lifetimeCheck: Promise<boolean> | undefined;

/**
 * Whether util-linux' `setpriv --pdeathsig` works here; asked once. Busybox and macOS have none.
 *
 * The kernel watches the *thread* that spawned. Deno spawns on the thread of the isolate, so a child that is
 * started from the main program lives as long as the process, one from a Web Worker only as long as that.
 *
 * @see prctl(2), PR_SET_PDEATHSIG
 */
export function canBindLifetime(): Promise<boolean> {
  return lifetimeCheck ??= new Deno.Command("setpriv", {
    args: ["--pdeathsig", "SIGKILL", "--", "true"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output().then(({ success }) => success, () => false);
}
