/**
 * Maps items with at most `limit` calls in flight; results keep the order of the items. The first failure rejects
 * the whole, and no further item is started.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const queue = items.entries(); // one iterator shared by all lanes: each item is taken once
  let isFailed = false;
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (isFailed) return;
      try {
        results[index] = await map(item);
      } catch (error) {
        isFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}
