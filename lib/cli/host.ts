import type { CliHost, ExitCode, TextOutput } from "./command.ts";

/** Calls a listener each time that the configuration is to be read again, until disposal. The listener must not throw. */
export type OnReload = (listener: () => void) => Disposable;

/** The surroundings of a program that may be told to read its configuration again. */
export interface ProcessHost extends CliHost {
  /** Tells of each SIGHUP. While nobody listens, that signal asks for an orderly end. */
  readonly onReload: OnReload;
}

/**
 * Runs a command line in this process: real streams and variables, and signals that SIGINT and SIGTERM abort.
 * The first asks for an orderly end, the second to hurry, and the third ends the process as it is. SIGHUP is for whoever
 * reads the configuration again on it; of a terminal that was closed, and where nobody listens, it asks for an orderly
 * end however often it comes: shell and kernel send one each.
 */
export async function withProcessHost(run: (host: ProcessHost) => Promise<ExitCode>): Promise<ExitCode> {
  const [stop, hurry] = [new AbortController(), new AbortController()];
  const abort = (controller: AbortController, name: Deno.Signal) =>
    controller.abort(new DOMException(`Stopped by ${name}`, "AbortError"));
  const onSignal = (name: Deno.Signal) => () => {
    if (hurry.signal.aborted) Deno.exit(130);
    abort(stop.signal.aborted ? hurry : stop, name);
  };
  const isDetached = isHangupIgnored(); // asked first: Deno 2.9.6 takes SIGHUP over with the first listener of any signal
  const hadTerminal = isOnTerminal();
  const reloads = new Set<() => void>();
  const onHangup = () => {
    const isTerminalClosed = hadTerminal && !isOnTerminal();
    if (reloads.size > 0 && (isDetached || !isTerminalClosed)) reloads.forEach((reload) => reload());
    else if (!isDetached) abort(stop, "SIGHUP");
  };
  using _interrupt = listenFor("SIGINT", onSignal("SIGINT"));
  using _terminate = listenFor("SIGTERM", onSignal("SIGTERM"));
  using _hangup = listenFor("SIGHUP", onHangup);
  return await run({
    stdout: outputOf(Deno.stdout),
    stderr: outputOf(Deno.stderr),
    env: Deno.env.toObject(),
    signal: stop.signal,
    hurry: hurry.signal,
    onReload(listener) {
      const reload = () => listener(); // of its own, so that one that listens twice can leave once
      reloads.add(reload);
      return { [Symbol.dispose]: () => void reloads.delete(reload) };
    },
  });
}

function listenFor(name: Deno.Signal, handler: () => void): Disposable {
  Deno.addSignalListener(name, handler);
  return { [Symbol.dispose]: () => Deno.removeSignalListener(name, handler) };
}

/** Who starts a program by `nohup` wants it to outlive the terminal. */
function isHangupIgnored(): boolean {
  try {
    const [, mask] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(Deno.readTextFileSync("/proc/self/status")) ?? [];
    return mask !== undefined && (BigInt(`0x${mask}`) & 1n) === 1n; // SIGHUP, signal 1, is bit 0
  } catch { // no /proc, or Deno keeps it from us; nohup leaves no terminal
    return !isOnTerminal();
  }
}

/** A terminal that was closed is none any more: the kernel answers EIO for it. */
function isOnTerminal(): boolean {
  return [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}

/** One of the process's own streams. */
function outputOf(stream: typeof Deno.stdout | typeof Deno.stderr): TextOutput {
  const isTerminal = stream.isTerminal();
  return {
    isTerminal,
    columns: isTerminal ? terminalColumns() : 80,
    write: (text) => writeAll(stream, text),
  };
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80; // stderr is a terminal, but stdin and stdout are not
  }
}

/**
 * Writes at once, so that nothing is lost at exit. A reader that left (`sollol … | head`) ends the program quietly;
 * a terminal that was closed is not written to any more, and SIGHUP brings the end in order.
 */
function writeAll(stream: typeof Deno.stdout | typeof Deno.stderr, text: string): void {
  let bytes = new TextEncoder().encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(1);
    if ((error as { code?: unknown }).code !== "EIO") throw error;
  }
}
