import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import type { IssueSink } from "../parsed_by.ts";

/** Makes a shape a step of a schema: `z.unknown().transform(shapedBy(deviceShape))`. */
export function shapedBy<T>(shape: JsonShape<T>): (said: unknown, context: IssueSink) => T {
  return (said, context) => {
    const result = shape.safeParse(said);
    if (result.success) return result.data;
    const message = result.error.issues[0]?.message ?? "has another shape";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  };
}
