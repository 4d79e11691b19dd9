import * as z from "zod";

/** What of a zod schema for lists is needed here. */
type List = z.ZodType<readonly unknown[]>;

/**
 * Text, or a list; also nothing. Unlike a union it says what is wrong inside the list, and where.
 *
 * @param wanted What it must be, in words that follow its name.
 */
export function textOrList(list: List, wanted: string) {
  return z.unknown().optional().superRefine((said, context) => {
    if (typeof said === "string" || said === undefined || said === null) return;
    if (!Array.isArray(said)) return context.addIssue({ code: "custom", message: wanted });
    const { success, error } = list.safeParse(said);
    if (success) return;
    for (const issue of error.issues) context.addIssue({ ...issue, path: [...issue.path] } as never);
  });
}
