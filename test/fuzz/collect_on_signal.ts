/**
 * Loaded before a program that runs with `--expose-gc`: it collects its garbage when it gets SIGUSR2, and tells in a line
 * what is left, MiB.
 */
const { gc } = globalThis as unknown as { gc(how: Record<string, string>): void };

Deno.addSignalListener("SIGUSR2", () => {
  gc({ type: "major", execution: "sync", flavor: "last-resort" });
  const { heapUsed, external } = Deno.memoryUsage();
  const line = `collected, left are ${Math.round((heapUsed + external) / 2 ** 20)} MiB\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
});
