/** The first file descriptor that systemd hands over. */
const FIRST_FD = 3;

/** What systemd tells of sockets that it hands over, in the environment. */
const NAMES = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/** A socket that listens already, made by whoever started this process. */
export interface InheritedSocket {
  /** Its file descriptor. */
  readonly fd: number;
  /** How many there are; only the first one is served. */
  readonly count: number;
}

/** The environment of this process. */
export interface ProcessEnvironment {
  /** A variable's value. */
  get(name: string): string | undefined;
  /** Unsets a variable, also for children. */
  delete(name: string): void;
}

/**
 * The socket that systemd made for this process, if it did; asked once. What it says is taken out of the environment, where
 * children would take it for theirs. What it says to another process, such as our parent, is not for us.
 *
 * @see sd_listen_fds(3)
 */
export function takeInheritedSocket(
  env: ProcessEnvironment = Deno.env,
  pid: number = Deno.pid,
): InheritedSocket | undefined {
  const count = Number(env.get("LISTEN_FDS"));
  const isForUs = env.get("LISTEN_PID") === String(pid);
  for (const name of NAMES) env.delete(name);
  return isForUs && Number.isInteger(count) && count >= 1 ? { fd: FIRST_FD, count } : undefined;
}
