import type { Config } from "../config/config.ts";
import { createLogger, type Logger } from "../log.ts";
import { BufferedLogSink } from "../log_sink.ts";
import type { TextOutput } from "./command.ts";

/** The log on stdout of a command that runs until it is told to stop. */
export interface ProgramLog {
  /** Writes as the configuration says: for a person on a terminal, as JSON elsewhere, unless it is fixed. */
  readonly logger: Logger;
  /** To be flushed before the program ends. */
  readonly sink: BufferedLogSink;
}

/** Opens that log; nothing is written yet. */
export function openProgramLog(
  config: Pick<Config, "log">,
  stdout: Pick<TextOutput, "isTerminal">,
): ProgramLog {
  const sink = new BufferedLogSink(Deno.stdout);
  const usual = stdout.isTerminal ? "pretty" : "json";
  const format = config.log.format === "auto" ? usual : config.log.format;
  const options = {
    sink: sink.sink,
    format,
    get level() {
      return config.log.level; // it may change
    },
  };
  return { logger: createLogger(options), sink };
}
