/**
 * What several answers took together: numbers are added, also inside objects; what else is told is the first one's.
 *
 * @param usages As OpenAI's `usage` tells them; what is no object does not count.
 */
export function sumUsage(usages: readonly unknown[]): Record<string, unknown> {
  const sum: Record<string, unknown> = {};
  for (const usage of usages) {
    if (!isObject(usage)) continue;
    for (const [key, value] of Object.entries(usage)) sum[key] = added(sum[key], value);
  }
  return sum;
}

function added(sum: unknown, value: unknown): unknown {
  if (sum === undefined || sum === null) return value;
  if (typeof sum === "number" && typeof value === "number") return sum + value;
  return isObject(sum) && isObject(value) ? sumUsage([sum, value]) : sum;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
