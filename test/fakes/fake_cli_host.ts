import type { TextOutput } from "../../lib/cli/command.ts";
import type { ProcessHost } from "../../lib/cli/host.ts";
import type { Environment } from "../../lib/config/environment.ts";

/** Takes what a command writes. */
export class FakeOutput implements TextOutput {
  text = "";

  constructor(readonly isTerminal = false, readonly columns = 80) {}

  write(text: string): void {
    this.text += text;
  }
}

/** The surroundings of a command without a process: nothing of the machine's environment is seen. */
export class FakeCliHost implements ProcessHost {
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  readonly env: Environment;
  readonly signal: AbortSignal;
  readonly hurry = new AbortController().signal;
  readonly #reloads = new Set<() => void>();

  constructor(options: { isTerminal?: boolean; env?: Environment; signal?: AbortSignal } = {}) {
    this.stdout = new FakeOutput(options.isTerminal);
    this.stderr = new FakeOutput(options.isTerminal);
    this.env = options.env ?? {};
    this.signal = options.signal ?? new AbortController().signal;
  }

  readonly onReload = (listener: () => void): Disposable => {
    this.#reloads.add(listener);
    return { [Symbol.dispose]: () => void this.#reloads.delete(listener) };
  };

  /** Asks for the configuration to be read again, as SIGHUP does. @returns How many heard it. */
  reload(): number {
    for (const listener of this.#reloads) listener();
    return this.#reloads.size;
  }

  /** What was written to stdout, as JSON: fails if there is anything else. */
  json(): unknown {
    return JSON.parse(this.stdout.text);
  }
}
