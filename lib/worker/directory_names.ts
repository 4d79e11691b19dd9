/**
 * The names of a directory's entries that fit a pattern, in no order. None if it is not there or not ours to look into:
 * what the kernel shows in `/proc` and `/sys` comes and goes.
 */
export async function namesIn(directory: string, pattern: RegExp): Promise<string[]> {
  try {
    const names = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
    return names.filter((name) => pattern.test(name));
  } catch {
    return [];
  }
}
