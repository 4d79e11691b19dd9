/** Keys that depend on the model, not on the node. */
const MODELS_OWN: ReadonlySet<string> = new Set(["model_info", "tensors"]);

/**
 * The form of an answer: its keys and the types of their values, for each distinct line or event in order of appearance, an
 * event with its name; a text that is no JSON as it is.
 */
export function answerShape(body: string): unknown {
  const pieces = body.replaceAll(/^event: (\S+)\ndata: /gm, "$1 ").split("\n")
    .map((line) => line.replace(/^data: /, "")).filter((line) => line !== "");
  const shapes = pieces.map((piece) => {
    const [, event, json] = /^([\w.]+) (\{.*)$/.exec(piece) ?? [undefined, "", piece];
    return `${event}${JSON.stringify(shapeOf(parseOrText(json!)))}`;
  });
  return shapes.filter((shape, index) => shape !== shapes[index - 1]);
}

function parseOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}

function shapeOf(value: unknown): unknown {
  if (value === null) return "null";
  if (Array.isArray(value)) return [...new Set(value.map((item) => JSON.stringify(shapeOf(item))))].sort();
  if (typeof value !== "object") return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]): [string, unknown] => [key, MODELS_OWN.has(key) ? typeof item : shapeOf(item)])
      .sort(([a], [b]) => a < b ? -1 : 1),
  );
}
