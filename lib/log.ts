import { styleText } from "node:util";
import { type Clock, systemClock } from "./clock.ts";

/** How loud a line is; lines below the logger's level are not written. */
export type LogLevel = "debug" | "info" | "warn" | "error";

const SEVERITY: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** What varies in a line: camelCase names with their unit (`loadMs`, `needBytes`). */
export type LogFields = Record<string, unknown>;

/** Writes one line per call: a constant lower-case phrase, and fields for all that varies. */
export interface Logger {
  /** For whoever looks for a fault; not written by default. */
  debug(message: string, fields?: LogFields): void;
  /** What went as it should: a change of state, a request. */
  info(message: string, fields?: LogFields): void;
  /** What went wrong and was survived. */
  warn(message: string, fields?: LogFields): void;
  /** What nobody foresaw: a bug, or a host that must be repaired. */
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to each line. */
  child(fields: LogFields): Logger;
}

/** Where finished lines go, without their line feed. Must not throw. */
export type LogSink = (line: string, level: LogLevel) => void;

/** How {@linkcode createLogger} writes. */
export interface LoggerOptions {
  /** Gets the lines at or above the level. */
  sink: LogSink;
  /** Default `info`. */
  level?: LogLevel;
  /** `json` for journald and machines, `pretty` for a terminal. Default `json`. */
  format?: "json" | "pretty";
  /** Default: the host's. */
  clock?: Clock;
}

/** The only way to log. Errors among the fields are written as their message and the messages of their causes. */
export function createLogger(options: LoggerOptions, fields: LogFields = {}): Logger {
  const { sink, format = "json", clock = systemClock } = options;
  const render = format === "json" ? renderJson : renderPretty;
  const hasOwnFields = Object.keys(fields).length > 0;
  const at = (level: LogLevel) => (message: string, extra: LogFields = {}): void => {
    if (SEVERITY[level] < SEVERITY[options.level ?? "info"]) return; // it may change
    sink(render(level, clock.now(), message, hasOwnFields ? { ...fields, ...extra } : extra), level);
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
  return isFlat(fields) ? JSON.stringify(line) : JSON.stringify(line, plain);
}

function isFlat(fields: LogFields): boolean {
  for (const name in fields) {
    const type = typeof fields[name];
    if (type === "object" || type === "bigint") return false;
  }
  return true;
}

const COLOR = { debug: "gray", info: "cyan", warn: "yellow", error: "red" } as const;

function renderPretty(level: LogLevel, nowMs: number, message: string, fields: LogFields): string {
  const time = styleText("gray", new Date(nowMs).toISOString().slice(11, 19));
  const rest = Object.entries(fields).filter(([, value]) => value !== undefined).map(([name, value]) => {
    const shown = plain("", value);
    const text = typeof shown === "string" ? quoteUnprintable(shown) : JSON.stringify(shown, plain);
    return `${styleText("gray", `${name}=`)}${escapeUnprintable(text)}`;
  });
  return [time, styleText(COLOR[level], level.padEnd(5)), message, ...rest].join(" ");
}

/** What could end the line, steer the terminal or turn its direction. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}]/gu;

/** Clients choose names: one with a line feed could else write a line of the log. */
function quoteUnprintable(text: string): string {
  return text.search(UNPRINTABLE) < 0 ? text : JSON.stringify(text);
}

/** JSON escapes only some of them. */
function escapeUnprintable(text: string | undefined): string {
  return String(text).replaceAll(
    UNPRINTABLE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Errors have no own enumerable fields: without this they would be logged as `{}`. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (!(value instanceof Error)) return value;
  const cause = value.cause === undefined ? "" : ` (${String(plain("", value.cause))})`;
  return `${value.message}${cause}`;
}
