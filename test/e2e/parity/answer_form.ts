import type { OllamaAnswer } from "../../fixtures/ollama_node/transcript.ts";

/** The form of an answer: all that a client can depend on whatever the model says. */
export interface AnswerForm {
  readonly status: number;
  readonly contentType: string | undefined;
  /** Of each distinct line in order of appearance: members in their order with their types, and some values as they are. */
  readonly lines: readonly string[];
}

/** Members whose values are the same for every upstream, not only their types. */
const TOLD_VALUES: ReadonlySet<string> = new Set([
  "arguments",
  "capabilities",
  "done",
  "done_reason",
  "error",
  "families",
  "family",
  "format",
  "general.architecture",
  "model",
  "name",
  "parameter_size",
  "quantization_level",
  "role",
  "template",
]);
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** The form of an answer. A text that is no JSON stands as it is. */
export function formOf({ status, headers, body }: OllamaAnswer): AnswerForm {
  const lines = linesOf(body).map(shapeOfLine);
  return {
    status,
    contentType: headers["content-type"],
    lines: lines.filter((line, index) => line !== lines[index - 1]),
  };
}

/** The lines of an answer that have something in them. */
export function linesOf(body: string): string[] {
  return body.split("\n").filter((line) => line.trim() !== "");
}

function shapeOfLine(line: string): string {
  try {
    return shapeOf(JSON.parse(line));
  } catch {
    return line;
  }
}

function shapeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `[${[...new Set(value.map(shapeOf))].sort().join(" | ")}]`;
  if (typeof value === "string") return TIME.test(value) ? "time" : "string";
  if (typeof value !== "object") return typeof value;
  const members = Object.entries(value).map(([key, item]) => {
    return `${key}: ${TOLD_VALUES.has(key) ? JSON.stringify(item) : shapeOf(item)}`;
  });
  return `{${members.join(", ")}}`;
}
