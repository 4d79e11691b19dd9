import { describeSource, type Source } from "./source.ts";

/** One thing that is wrong with the config. */
export interface ConfigProblem {
  /** Dotted path of the key, or `undefined` if a whole file is at fault. */
  readonly path: string | undefined;
  /** One sentence that names the key and says what to write. */
  readonly message: string;
  /** Where the mistake stands, if that is known. */
  readonly source: Source | undefined;
}

/** The config cannot be used; all that is wrong with it, at once. */
export class ConfigError extends Error {
  /** Tells it from other errors. */
  override readonly name = "ConfigError";

  /** A config that is wrong in these ways, at least one. */
  constructor(readonly problems: readonly ConfigProblem[], options: ErrorOptions = {}) {
    const lines = problems.map(describeProblem);
    super(
      lines.length === 1
        ? `Cannot use the configuration: ${lines[0]}`
        : `Cannot use the configuration, ${lines.length} problems:\n${
          lines.map((line) => `  ${line}`).join("\n")
        }`,
      options,
    );
  }
}

/** A problem as one line, with its source: `log.level must be one of … (flag --log-level)`. */
export function describeProblem({ message, source }: ConfigProblem): string {
  return source === undefined ? message : `${message} (${describeSource(source)})`;
}
