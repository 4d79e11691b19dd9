/**
 * The values of several sources as they come, each source no faster than they are read. Ends when all have; who reads no
 * further ends them. They must not throw, and end soon when the signal that they know aborts.
 *
 * @param stop Aborts that signal.
 */
export async function* interleaved<T>(
  sources: readonly AsyncIterable<T>[],
  stop: () => void,
): AsyncGenerator<T, void> {
  const ready: { readonly value: T; readonly taken: () => void }[] = [];
  let wake = Promise.withResolvers<void>();
  let openCount = sources.length;
  let isOver = false;
  const drain = async (source: AsyncIterable<T>): Promise<void> => {
    for await (const value of source) {
      const { promise, resolve } = Promise.withResolvers<void>();
      ready.push({ value, taken: resolve });
      wake.resolve();
      await promise;
      if (isOver) break;
    }
    openCount--;
    wake.resolve();
  };
  for (const source of sources) void drain(source);
  try {
    while (true) {
      for (let next = ready[0]; next; next = ready[0]) {
        yield next.value; // it stays in the list meanwhile: who reads no further lets all go
        ready.shift();
        next.taken();
      }
      if (openCount === 0 && ready.length === 0) return;
      await wake.promise;
      wake = Promise.withResolvers();
    }
  } finally {
    isOver = true;
    stop();
    for (const { taken } of ready) taken();
  }
}
