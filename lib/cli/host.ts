import type { CliHost, ExitCode, TextOutput } from "./command.ts";

/**
 * Runs a command line in this process: real streams and variables, and signals that SIGINT and SIGTERM abort.
 * The first asks for an orderly end, the second to hurry, and the third ends the process as it is.
 */
export async function withProcessHost(run: (host: CliHost) => Promise<ExitCode>): Promise<ExitCode> {
  const [stop, hurry] = [new AbortController(), new AbortController()];
  const onSignal = (name: "SIGINT" | "SIGTERM") => () => {
    if (hurry.signal.aborted) Deno.exit(130);
    const next = stop.signal.aborted ? hurry : stop;
    next.abort(new DOMException(`Stopped by ${name}`, "AbortError"));
  };
  using _interrupt = listenFor("SIGINT", onSignal("SIGINT"));
  using _terminate = listenFor("SIGTERM", onSignal("SIGTERM"));
  return await run({
    stdout: outputOf(Deno.stdout),
    stderr: outputOf(Deno.stderr),
    env: Deno.env.toObject(),
    signal: stop.signal,
    hurry: hurry.signal,
  });
}

function listenFor(name: Deno.Signal, handler: () => void): Disposable {
  Deno.addSignalListener(name, handler);
  return { [Symbol.dispose]: () => Deno.removeSignalListener(name, handler) };
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

/** Writes at once, so that nothing is lost at exit. A reader that left (`sollol … | head`) ends the program quietly. */
function writeAll(stream: typeof Deno.stdout | typeof Deno.stderr, text: string): void {
  let bytes = new TextEncoder().encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(1);
    throw error;
  }
}
