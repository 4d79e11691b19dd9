/** Streams of so many chunks are what translations are measured by. */
export const CHUNK_COUNT = 500;

const encoder = new TextEncoder();

/** Which recorded stream is made longer, and where. */
export interface LongStream {
  /** Path below `test/fixtures/`. */
  readonly path: string;
  /** The last event or line with this text is the one that comes again and again. */
  readonly repeated: string;
  /** What that text is when it comes again; default: the same. */
  readonly again?: string;
}

/** A recorded stream as its upstream would send it if it had said much more: a chunk for each event or line. */
export function longStream({ path, repeated, again = repeated }: LongStream): Uint8Array<ArrayBuffer>[] {
  const recorded = Deno.readTextFileSync(new URL(`../fixtures/${path}`, import.meta.url));
  const events = recorded.split(path.endsWith(".sse") ? /(?<=\n\n)/ : /(?<=\n)/);
  const at = events.findLastIndex((event) => event.includes(repeated));
  if (at < 0) throw new Error(`${path} has no ${repeated}`);
  const more = Array.from({ length: CHUNK_COUNT }, () => events[at]!.replace(repeated, again));
  return [...events.slice(0, at + 1), ...more, ...events.slice(at + 1)].map((event) => encoder.encode(event));
}
