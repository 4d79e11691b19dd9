import { ConfigError, describeProblem } from "../config/config_error.ts";
import type { ConfigFromDisk } from "../config/load.ts";
import { describeConfig } from "../config/describe.ts";
import { listNames } from "../name_list.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

/** A configuration, or why there is none. */
export type ConfigReading = ConfigFromDisk | ConfigError;

const MAX_PROBLEMS = 5;
const MAX_KEYS = 6;

/**
 * Where the configuration comes from, and whether a gateway could start with it. Values are not told, only which keys are
 * set by whom.
 */
export function judgeConfig(reading: ConfigReading): Finding {
  if (reading instanceof ConfigError) {
    const problems = reading.problems.map(describeProblem);
    const more = problems.length > MAX_PROBLEMS ? `; and ${problems.length - MAX_PROBLEMS} more` : "";
    return fail(
      problems.slice(0, MAX_PROBLEMS).join("; ") + more,
      "correct it; until then a gateway does not start with it, and one that runs keeps its old one",
      { problems },
    );
  }
  const { path, warnings } = reading;
  const said = describeConfig(reading).filter(({ source }) => source !== "default");
  const figures = { path, keys: said.map(({ key, source }) => ({ key, source })) };
  const from = path === undefined ? "no file, which is fine" : path;
  if (warnings.length > 0) return warn(warnings.join("; "), `correct ${path ?? "it"}`, figures);
  const elsewhere = said.filter(({ source }) => path === undefined || !source.startsWith(`file ${path}`));
  const keyCount = said.length === 1 ? "1 key is set" : `${said.length} keys are set`;
  const others = elsewhere.map(({ key, source }) => `${key} by ${source}`);
  const told = others.length === 0 ? "" : `; ${listNames(others, MAX_KEYS)}`;
  return ok(`${from}; ${keyCount}${told}`, figures);
}
