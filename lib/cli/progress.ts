import { clearLine, cursorTo, type Direction, moveCursor } from "node:readline";
import { Writable } from "node:stream";
import yoctoSpinner from "yocto-spinner";
import type { CliHost, TextOutput } from "./command.ts";
import { printable } from "./terminal.ts";

/** Tells a person what is being done right now; ends when it is disposed. */
export interface Progress extends Disposable {
  /** Says what is being done from now on. A detail, one of many small steps, is shown on a terminal only. */
  update(text: string, options?: { isDetail?: boolean }): void;
}

/** A spinner on a terminal, a line for each step elsewhere; both on stderr. */
export function startProgress({ stderr, env }: Pick<CliHost, "stderr" | "env">, text: string): Progress {
  // A dumb terminal cannot redraw a line; what watches a CI job shows a terminal, but keeps every line of it.
  const canSpin = stderr.isTerminal && env["TERM"] !== "dumb" && !("CI" in env);
  return canSpin ? startSpinner(stderr, text) : startLines(stderr, text);
}

function startLines(stderr: TextOutput, text: string): Progress {
  let last = "";
  const update: Progress["update"] = (step, { isDetail = false } = {}) => {
    const line = printable(step);
    if (isDetail || line === last) return;
    stderr.write(`${line}\n`);
    last = line;
  };
  update(text);
  return { update, [Symbol.dispose]: () => {} };
}

function startSpinner(stderr: TextOutput, text: string): Progress {
  const stream = terminalStream(stderr);
  const spinner = yoctoSpinner({ text: printable(text), stream, handleSignals: false }).start();
  const stop = () => void spinner.stop();
  addEventListener("unload", stop); // a hurried exit disposes nothing, and would leave the cursor hidden
  return {
    update: (step) => spinner.text = printable(step),
    [Symbol.dispose]: () => {
      removeEventListener("unload", stop);
      stop();
    },
  };
}

/** The injected output, dressed as the `tty.WriteStream` that the spinner wants. */
function terminalStream(stderr: TextOutput): Writable {
  const stream = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      stderr.write(text);
      done();
    },
  });
  return Object.assign(stream, {
    isTTY: true,
    columns: stderr.columns,
    cursorTo: (x: number) => cursorTo(stream, x),
    moveCursor: (dx: number, dy: number) => moveCursor(stream, dx, dy),
    clearLine: (direction: Direction) => clearLine(stream, direction),
  });
}
