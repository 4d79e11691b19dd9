/**
 * Runs a program to its end.
 *
 * @returns What it wrote to stdout.
 * @throws {Error} If it fails, with what it wrote to stderr.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    ...options,
    env: { NO_COLOR: "1", ...options.env },
  }).output();
  const decoder = new TextDecoder();
  if (code === 0) return decoder.decode(stdout);
  const said = (decoder.decode(stderr) || decoder.decode(stdout)).trim();
  throw new Error(`${program} ${args[0]} ended with ${code}: ${said}`);
}
