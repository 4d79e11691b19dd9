import { NEVER } from "zod";
import { messageOf } from "./errors.ts";

/** Where a step of a schema says what is wrong; zod hands it in. */
export interface IssueSink {
  /** Adds one more thing that is wrong. */
  addIssue(issue: { code: "custom"; message: string }): void;
}

/**
 * Makes a parser a step of a schema: `z.string().transform(parsedBy(parseEndpoint))`. Its RangeError becomes an issue;
 * any other error is a bug of ours and passes.
 */
export function parsedBy<In, Out>(parse: (said: In) => Out): (said: In, context: IssueSink) => Out {
  return (said, context) => {
    try {
      return parse(said);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      context.addIssue({ code: "custom", message: messageOf(error) });
      return NEVER;
    }
  };
}
