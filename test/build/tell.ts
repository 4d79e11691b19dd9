const encoder = new TextEncoder();

/** Says on stdout what was built, and how large it is. */
export async function tellBuilt(path: string): Promise<void> {
  const { size } = await Deno.stat(path);
  Deno.stdout.writeSync(encoder.encode(`${path}: ${(size / 1e6).toFixed(1)} MB\n`));
}

/** Says on stderr what could not be built, and ends the process with 1. */
export function failBuild(message: string): never {
  Deno.stderr.writeSync(encoder.encode(`${message}\n`));
  Deno.exit(1);
}
