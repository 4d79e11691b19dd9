const BAR_WIDTH = 10;

/** A share from 0 to 1 as a bar: `███████░░░`. */
export function barOf(share: number): string {
  const doneCount = Math.floor(share * BAR_WIDTH);
  return "█".repeat(doneCount) + "░".repeat(BAR_WIDTH - doneCount);
}

/** A share from 0 to 1 in whole percent, rounded down: `68 %`. */
export function percentOf(share: number): string {
  return `${Math.floor(share * 100)} %`;
}
