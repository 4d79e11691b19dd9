import type { Page } from "../lib/tasks/batch.ts";

/** A page of those entries of a list that match, however many others stand between them. */
export function matchingPage<T extends { readonly id: string }>(
  list: (options: { readonly limit: number; readonly after: string | undefined }) => Page<T>,
  { limit, after, matches }: {
    readonly limit: number;
    readonly after: string | undefined;
    readonly matches: (item: T) => boolean;
  },
): Page<T> {
  const items: T[] = [];
  for (let last = after;;) {
    const page = list({ limit, after: last });
    for (const item of page.items) {
      if (!matches(item)) continue;
      if (items.length === limit) return { items, hasMore: true };
      items.push(item);
    }
    if (!page.hasMore) return { items, hasMore: false };
    last = page.items.at(-1)!.id;
  }
}
