import { join } from "node:path";
import * as z from "zod";
import { type Clock, systemClock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import { jsonIn } from "../json_text.ts";
import { lockFile } from "../process/file_lock.ts";
import { ProcessTable } from "../process/process_table.ts";

/** Locked by the gateway that runs on a state directory, and holds who that is. */
const LOCK_FILE = "gateway.lock";

/** What a {@linkcode StateLock} works with. */
export interface StateLockOptions {
  /** Of sollol. */
  readonly version: string;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** So long one that was just told to end, or killed, may take to be gone, ms. Default 1 s. */
  readonly patienceMs?: number;
  /** Default: the host's. */
  readonly clock?: Clock;
  /** Default: the host's. */
  readonly processes?: ProcessTable;
}

const holderSchema = z.object({
  pid: z.int().positive(),
  startTicks: z.int().nonnegative().optional(),
  bootId: z.string().optional(),
  pidNamespace: z.string().optional(),
  since: z.string().max(40),
  version: z.string().max(40),
  url: z.string().max(300).optional(),
});

type Holder = z.infer<typeof holderSchema>;

/**
 * Held by the one gateway that runs on a state directory, from before it opens the database to its end; the kernel frees
 * it however the gateway ends. Two would stop each other's coordinators and run each other's batches.
 */
export class StateLock implements Disposable {
  readonly #path: string;
  readonly #lock: Disposable;
  #holder: Holder;

  private constructor(path: string, lock: Disposable, holder: Holder) {
    this.#path = path;
    this.#lock = lock;
    this.#holder = holder;
    this.#write();
  }

  /**
   * Takes it, and makes the directory if it is absent.
   *
   * @returns `undefined` where no file can be written or locked: nothing is kept there then, and nobody in the way.
   * @throws {GatewayError} `conflict` if another gateway holds it: who, and what to do. The signal's reason.
   */
  static async take(directory: string, options: StateLockOptions): Promise<StateLock | undefined> {
    const { version, clock = systemClock, processes = new ProcessTable() } = options;
    const path = join(directory, LOCK_FILE);
    const lock = await tryLock(directory, path, options);
    if (lock === "held") throw heldByAnother(directory, await readHolder(path), processes);
    if (lock === "cannot be") return undefined;
    const { pid } = Deno;
    const startTicks = processes.read(pid)?.startTicks;
    const since = new Date(clock.now()).toISOString();
    return new StateLock(path, lock, { pid, startTicks, since, version, ...processes.readSpace() });
  }

  /** Adds where it listens to what the next one is told that wants the same directory. */
  servesAt(url: string): void {
    this.#holder = { ...this.#holder, url };
    this.#write();
  }

  /** Lets the next one take it. The file stays: one that is removed could be locked by two. */
  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }

  /** Who cannot write it only is not told of. */
  #write(): void {
    try {
      Deno.writeTextFileSync(this.#path, JSON.stringify(this.#holder) + "\n");
    } catch {
      // a full disk; whoever needs to know of it is told by the database
    }
  }
}

async function tryLock(
  directory: string,
  path: string,
  { signal, patienceMs = 1_000 }: Pick<StateLockOptions, "signal" | "patienceMs">,
): Promise<Disposable | "held" | "cannot be"> {
  const patience = AbortSignal.timeout(patienceMs);
  let isHeld = false;
  try {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    return await lockFile(path, {
      signal: AbortSignal.any([signal, patience]),
      onWait: () => {
        isHeld = true;
      },
    });
  } catch {
    signal.throwIfAborted();
    return isHeld ? "held" : "cannot be";
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return holderSchema.safeParse(jsonIn(text)).data;
}

function heldByAnother(
  directory: string,
  holder: Holder | undefined,
  processes: ProcessTable,
): GatewayError {
  const { who, cure } = describeHolder(holder, processes);
  return new GatewayError(
    "conflict",
    `Cannot start on the state directory ${directory}: ${who} runs on it; ${cure}, or give this one a directory of ` +
      "its own by --state-dir",
  );
}

/** The file may be of an earlier holder, whose pid was given to somebody else. */
function describeHolder(
  holder: Holder | undefined,
  processes: ProcessTable,
): { who: string; cure: string } {
  if (!holder) return { who: "another gateway", cure: "stop that one" };
  const { version, since, url, pid } = holder;
  const at = url === undefined ? "" : ` at ${url}`;
  const what = `sollol ${version}${at}, since ${since}`;
  const space = processes.readSpace();
  const isOfThisSpace = space?.bootId === holder.bootId && space?.pidNamespace === holder.pidNamespace;
  if (!isOfThisSpace) {
    return {
      who: `another gateway (the last one was ${what}, in another container or host)`,
      cure: "stop that one",
    };
  }
  const isAlive = processes.read(pid)?.startTicks === holder.startTicks;
  return isAlive
    ? { who: `${what} (pid ${pid})`, cure: `stop that one (kill ${pid}, or systemctl stop sollol)` }
    : {
      who: `another gateway (not the one that wrote who it is: ${what}, pid ${pid}, is gone)`,
      cure: "stop that one",
    };
}
