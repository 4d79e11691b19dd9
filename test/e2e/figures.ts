/** The middle one of some figures; of an even number the upper middle. */
export function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? NaN;
}

/** `12 / 15 / 40`: the least, the middle and the greatest, rounded; `-` if there is none. */
export function spread(figures: readonly number[]): string {
  if (figures.length === 0) return "-";
  return [Math.min(...figures), median(figures), Math.max(...figures)].map(Math.round).join(" / ");
}

/** Some seconds with one decimal: `1.2 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Writes a line to stdout, for a script that prints a table. */
export function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** The value of `--name` among a script's arguments, or the default. @throws If it is no number. */
export function numberArgument(name: string, otherwise: number): number {
  const at = Deno.args.indexOf(`--${name}`);
  if (at < 0) return otherwise;
  const value = Number(Deno.args[at + 1]);
  if (!(value > 0)) throw new RangeError(`--${name} needs a number, got "${Deno.args[at + 1]}"`);
  return value;
}
