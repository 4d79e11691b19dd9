/** A tensor of a graph that is being described: the place of its step. */
export type GraphTensor = number;

interface Step {
  readonly size: number;
  readonly reads: readonly GraphTensor[];
}

interface Hole {
  offset: number;
  size: number;
}

/**
 * A compute graph as far as memory depends on it. A tensor is alive from the step that makes it to the last step that
 * reads it; operations that ggml does in place make none.
 */
export class GraphPeak {
  readonly #steps: Step[] = [];

  /** Computes a tensor of this size from others. */
  add(size: number, ...reads: readonly GraphTensor[]): GraphTensor {
    this.#steps.push({ size, reads });
    return this.#steps.length - 1;
  }

  /** Reads tensors without making one: a copy into a cache, or an operation in place on another. */
  read(...reads: readonly GraphTensor[]): void {
    this.add(0, ...reads);
  }

  /**
   * The end of the highest tensor when each is put where ggml puts it: into the smallest hole that holds it, else
   * behind all others. Holes that are too small make it more than what is alive at once.
   *
   * @see `ggml_dyn_tallocr_alloc` in ggml/src/ggml-alloc.c
   */
  peak(): number {
    const releases = this.#releases();
    const offsets: number[] = [];
    const holes: Hole[] = [{ offset: 0, size: Infinity }];
    let peak = 0;
    this.#steps.forEach(({ size }, index) => {
      offsets[index] = take(holes, size);
      peak = Math.max(peak, offsets[index]! + size);
      for (const released of releases[index]!) {
        give(holes, offsets[released]!, this.#steps[released]!.size);
      }
    });
    return peak;
  }

  /** For each step the tensors that nobody reads after it. */
  #releases(): GraphTensor[][] {
    const lastReads = this.#steps.map((_, index) => index);
    this.#steps.forEach(({ reads }, index) => reads.forEach((tensor) => lastReads[tensor] = index));
    const releases: GraphTensor[][] = this.#steps.map(() => []);
    lastReads.forEach((last, tensor) => releases[last]!.push(tensor));
    return releases;
  }
}

function take(holes: Hole[], size: number): number {
  if (size === 0) return 0;
  const inner = holes.slice(0, -1).filter((hole) => hole.size >= size).sort((a, b) => a.size - b.size);
  const hole = inner[0] ?? holes.at(-1)!;
  const { offset } = hole;
  hole.offset += size;
  hole.size -= size;
  if (hole.size === 0) holes.splice(holes.indexOf(hole), 1);
  return offset;
}

function give(holes: Hole[], offset: number, size: number): void {
  if (size === 0) return;
  const at = holes.findIndex((hole) => hole.offset > offset);
  holes.splice(at, 0, { offset, size });
  for (const index of [at, at - 1]) {
    const [hole, next] = [holes[index], holes[index + 1]];
    if (!hole || !next || hole.offset + hole.size !== next.offset) continue;
    hole.size += next.size;
    holes.splice(index + 1, 1);
  }
}
