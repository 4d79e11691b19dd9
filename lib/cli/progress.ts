import type { CliHost, TextOutput } from "./command.ts";
import { printable } from "./terminal.ts";

/** Tells a person what is being done right now; ends when it is disposed. */
export interface Progress extends Disposable {
  /** Says what is being done from now on. */
  update(text: string): void;
}

/** A spinner on a terminal, a line for each step elsewhere; both on stderr. */
export function startProgress({ stderr, env }: Pick<CliHost, "stderr" | "env">, text: string): Progress {
  return stderr.isTerminal && env["TERM"] !== "dumb" ? startSpinner(stderr, text) : startLines(stderr, text);
}

function startLines(stderr: TextOutput, text: string): Progress {
  let last = "";
  const update = (step: string) => {
    const line = printable(step);
    if (line !== last) stderr.write(`${line}\n`);
    last = line;
  };
  update(text);
  return { update, [Symbol.dispose]: () => {} };
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 80;
const CLEAR_LINE = "\r\x1b[2K";

function startSpinner(stderr: TextOutput, text: string): Progress {
  let step = text;
  let frame = 0;
  const draw = () => {
    const line = `${FRAMES[frame++ % FRAMES.length]} ${printable(step)}`;
    stderr.write(CLEAR_LINE + line.slice(0, stderr.columns - 1)); // a line that wraps could not be cleared
  };
  draw();
  const timer = setInterval(draw, FRAME_MS);
  return {
    update(next) {
      step = next;
      draw();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      stderr.write(CLEAR_LINE);
    },
  };
}
