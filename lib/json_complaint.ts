import { GatewayError } from "./errors.ts";
import type { JsonIssue } from "./json_shape.ts";

/** A refused value of a client's, as a zod error tells of it. */
export interface RefusedJson extends Error {
  /** All that is wrong, at least one thing. */
  readonly issues: readonly JsonIssue[];
}

/** The refusal of a client's JSON: the first thing that is wrong with it, in a sentence that names its place. */
export function invalidField(said: unknown, cause: RefusedJson): GatewayError {
  const issue = cause.issues[0]!;
  const unknown = issue.keys?.slice(0, 1) ?? [];
  const field = formatPlace([...issue.path, ...unknown]).slice(0, 200);
  const what = field === "" ? "The body" : `"${field}"`;
  const complaint = unknown.length > 0
    ? ": no such field is known; check its spelling"
    : complaintOf(issue, said);
  return new GatewayError("invalid_request", what + complaint, { cause, ...(field && { field }) });
}

/** A place inside a JSON value as people read it, such as `messages[0].role`; empty for the value itself. */
export function formatPlace(path: readonly PropertyKey[]): string {
  return path.map((step, index) =>
    typeof step === "number" ? `[${step}]` : `${index > 0 ? "." : ""}${String(step)}`
  ).join("");
}

/**
 * What is to be at the place of an issue, such as `must be text`; `undefined` where only its message tells.
 *
 * @param object What an object is called where the value stands.
 */
export function wantedThere(issue: JsonIssue, object: string): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.expected === "array" && issue.message.startsWith("must ")) return issue.message;
      return `must be ${
        issue.expected === "object" ? object : KINDS[issue.expected ?? ""] ?? issue.expected
      }`;
    case "invalid_union":
      return issue.message.startsWith("must ") ? issue.message : "must be text";
    case "invalid_value":
      return `must be one of ${(issue.values ?? []).join(", ")}`;
    case "too_small":
      return issue.message.startsWith("must ")
        ? issue.message
        : `must ${measured("at least", issue.minimum, issue)}`;
    case "too_big":
      return issue.message.startsWith("must ")
        ? issue.message
        : `must ${measured("at most", issue.maximum, issue)}`;
    default:
      return undefined;
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  array: "a list",
};

function measured(bound: string, limit: number | bigint | undefined, { origin }: JsonIssue): string {
  const unit = origin === "string" ? "character" : origin === "array" ? "element" : undefined;
  if (unit === undefined) return `be ${bound} ${limit}`;
  return `have ${bound} ${limit} ${unit}${limit === 1 ? "" : "s"}`;
}

function complaintOf(issue: JsonIssue, said: unknown): string {
  const wanted = wantedThere(issue, "an object");
  if (wanted === undefined) {
    return /^(must|has) /.test(issue.message) ? ` ${issue.message}` : `: ${issue.message}`;
  }
  const value = valueAt(said, issue.path);
  if (value === undefined) return ` is missing; it ${wanted}`;
  const isOtherNumber = typeof value === "number" && issue.expected === "int";
  return ` ${wanted}${issue.code === "invalid_type" && !isOtherNumber ? `, not ${kindOf(value)}` : ""}`;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : KINDS[typeof value] ?? typeof value;
}

function valueAt(said: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, step) => (value as Record<PropertyKey, unknown> | null | undefined)?.[step],
    said,
  );
}
