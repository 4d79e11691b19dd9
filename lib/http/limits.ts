/** Bounds on what an upstream may make us hold or wait through. Bodies are not bounded: their reader decides. */
export interface HttpLimits {
  /** Bytes of the status line. */
  statusLineBytes: number;
  /** Bytes of one head, from the status line to the empty line. */
  headBytes: number;
  /** Header lines in one head, and in the trailers. */
  headerCount: number;
  /** Interim answers (1xx) before the real one. */
  interimCount: number;
  /** Bytes of one chunk's size line with its extensions. */
  chunkLineBytes: number;
  /** Bytes of the trailers. */
  trailerBytes: number;
}

/** Far above what any model server sends, far below what hurts. */
export const DEFAULT_HTTP_LIMITS: Readonly<HttpLimits> = {
  statusLineBytes: 8 * 1024,
  headBytes: 64 * 1024,
  headerCount: 200,
  interimCount: 16,
  chunkLineBytes: 4 * 1024,
  trailerBytes: 16 * 1024,
};
