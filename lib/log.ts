import { styleText } from "node:util";
import { type Clock, systemClock } from "./clock.ts";

const SEVERITY = { debug: 0, info: 1, warn: 2, error: 3 } as const;

/** How loud a line is; lines below the logger's level are not written. */
export type LogLevel = keyof typeof SEVERITY;

/** What varies in a line: camelCase names with their unit (`loadMs`, `needBytes`). */
export type LogFields = Record<string, unknown>;

/** Writes one line per call: a constant lower-case phrase, and fields for all that varies. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to each line. */
  child(fields: LogFields): Logger;
}

/** Where finished lines go, without their line feed. Must not throw. */
export type LogSink = (line: string, level: LogLevel) => void;

/** How {@linkcode createLogger} writes. */
export interface LoggerOptions {
  sink: LogSink;
  level?: LogLevel;
  /** `json` for journald and machines, `pretty` for a terminal. Default `json`. */
  format?: "json" | "pretty";
  clock?: Clock;
}

/** The only way to log. Errors among the fields are written as their message and the messages of their causes. */
export function createLogger(options: LoggerOptions, fields: LogFields = {}): Logger {
  const { sink, level: threshold = "info", format = "json", clock = systemClock } = options;
  const render = format === "json" ? renderJson : renderPretty;
  const at = (level: LogLevel) => (message: string, extra: LogFields = {}): void => {
    if (SEVERITY[level] < SEVERITY[threshold]) return;
    sink(render(level, clock.now(), message, { ...fields, ...extra }), level);
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (extra) => createLogger(options, { ...fields, ...extra }),
  };
}

/** Drops every line. */
export const silentLogger: Logger = createLogger({ sink: () => {}, level: "error" });

function renderJson(level: LogLevel, nowMs: number, message: string, fields: LogFields): string {
  const line = { time: new Date(nowMs).toISOString(), level, message, ...fields };
  // A replacer makes stringify several times slower, and a line a request is most of what is logged.
  const isFlat = Object.values(fields).every((value) =>
    typeof value !== "object" && typeof value !== "bigint"
  );
  return isFlat ? JSON.stringify(line) : JSON.stringify(line, plain);
}

const COLOR = { debug: "gray", info: "cyan", warn: "yellow", error: "red" } as const;

function renderPretty(level: LogLevel, nowMs: number, message: string, fields: LogFields): string {
  const time = styleText("gray", new Date(nowMs).toISOString().slice(11, 19));
  const rest = Object.entries(fields).filter(([, value]) => value !== undefined).map(([name, value]) => {
    const shown = plain("", value);
    return `${styleText("gray", `${name}=`)}${
      typeof shown === "string" ? shown : JSON.stringify(shown, plain)
    }`;
  });
  return [time, styleText(COLOR[level], level.padEnd(5)), message, ...rest].join(" ");
}

/** Errors have no own enumerable fields: without this they would be logged as `{}`. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (!(value instanceof Error)) return value;
  const cause = value.cause === undefined ? "" : ` (${String(plain("", value.cause))})`;
  return `${value.message}${cause}`;
}
