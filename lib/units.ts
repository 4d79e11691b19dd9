const MS_PER_UNIT: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const KIB = 1024;
const BYTES_PER_UNIT: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: KIB,
  mib: KIB ** 2,
  gib: KIB ** 3,
  tib: KIB ** 4,
  k: KIB,
  m: KIB ** 2,
  g: KIB ** 3,
  t: KIB ** 4,
};

/** Bytes in one MiB. */
export const MIB: number = KIB ** 2;
/** Bytes in one GiB. */
export const GIB: number = KIB ** 3;

/**
 * Reads a duration as people write it: `"250ms"`, `"10m"`, `"1h30m"`, `"1.5s"`; a bare number is seconds.
 *
 * @returns Milliseconds, ≥ 0.
 * @throws {RangeError} If the text is no duration.
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1_000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(trimmed)) {
    throw new RangeError(`"${text}" is not a duration; write for example "30s", "10m" or "1h30m"`);
  }
  let totalMs = 0;
  for (const [, amount, , unit] of trimmed.matchAll(/(\d+(\.\d+)?)(ms|s|m|h|d)/g)) {
    totalMs += Number(amount) * MS_PER_UNIT[unit!]!;
  }
  return totalMs;
}

/**
 * Reads a size as people write it: `"24GiB"`, `"512 MB"`, `"1.5g"`; a bare number is bytes.
 * `k m g t` alone are powers of 1024, as in llama.cpp and systemd; `kB MB GB TB` are powers of 1000.
 *
 * @returns Whole bytes, ≥ 0.
 * @throws {RangeError} If the text is no size or more than 2⁵³.
 */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const factor = BYTES_PER_UNIT[(match?.[2] || "b").toLowerCase()];
  const bytes = match && factor ? Math.round(Number(match[1]) * factor) : NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw new RangeError(`"${text}" is not a size; write for example "512MiB", "24GiB" or "10GB"`);
  }
  return bytes;
}

/** Writes bytes for a person: `71.0 GiB`, `0.85 MiB`, `512 B`. */
export function formatBytes(bytes: number): string {
  const size = Math.abs(bytes);
  if (size < KIB) return `${bytes} B`;
  if (size < MIB) return `${(bytes / KIB).toFixed(1)} KiB`;
  if (size < GIB) return `${(bytes / MIB).toFixed(size < 10 * MIB ? 2 : 1)} MiB`;
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

/** Writes a duration for a person: `85 ms`, `2.4 s`, `3 min 20 s`, `1 h 5 min`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`; // each bound is where rounding would reach the next unit
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
