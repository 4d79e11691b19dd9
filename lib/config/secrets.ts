/** What is printed in place of a secret. */
export const MASK = "***";

const SECRET_ARGUMENT = /^--?[\w-]*(key|token|secret|password)$/i;

/** Texts that no log line, error or JSON may show; only {@linkcode Secrets.reveal} gives them away. */
export class Secrets {
  readonly #values: readonly string[];

  /** Takes the secrets as they are. */
  constructor(values: readonly string[]) {
    this.#values = values;
  }

  /** How many there are. */
  get size(): number {
    return this.#values.length;
  }

  /** The secrets themselves, for a comparison or a header; never for printing. */
  reveal(): readonly string[] {
    return this.#values;
  }

  /** One mask a secret: what `JSON.stringify` writes. */
  toJSON(): string[] {
    return this.#values.map(() => MASK);
  }

  /** What string conversion writes. */
  toString(): string {
    return this.toJSON().join(",");
  }

  /** What `Deno.inspect` and failed assertions write. */
  [Symbol.for("Deno.customInspect")](): string {
    return `Secrets(${this.size})`;
  }

  /** What `node:util` inspect writes. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Secrets(${this.size})`;
  }
}

/** A text that is to be a URL, with all that may be credentials in it masked: what is refused is shown to people. */
export function maskUrl(text: string): string {
  return text.replace(/\/\/.*@/s, `//${MASK}@`);
}

/** Arguments of a program with the values of `--api-key`, `--hf-token` and their like masked. */
export function maskArguments(args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const [name, value] = arg.split(/=(.*)/s);
    if (value !== undefined && SECRET_ARGUMENT.test(name!)) return `${name}=${MASK}`;
    return index > 0 && SECRET_ARGUMENT.test(args[index - 1]!) ? MASK : arg;
  });
}
