/** What a layer keeps and computes, as far as memory depends on it. Elements, not bytes: the types come later. */
export interface LayerShape {
  /**
   * Which cache its attention has: one cell for each token of the context (`full`), only for those of the sliding
   * window (`window`), or none: a recurrent layer, or one that reads the cache of another.
   */
  readonly cache: "full" | "window" | "none";
  /** Elements of K for one token: heads × length of a head. 0 without a cache. */
  readonly keyWidth: number;
  /** Elements of V for one token; 0 without a cache, and with latent attention (MLA), which keeps only K. */
  readonly valueWidth: number;
  /** Elements of state that a recurrent layer keeps for each sequence, always as F32; 0 without. */
  readonly recurrentWidth: number;
  /** Attention heads. */
  readonly headCount: number;
  /** Key and value heads. */
  readonly kvHeadCount: number;
  /** Inner width of the dense feed-forward part; 0 if it has only experts, or none. */
  readonly feedForwardLength: number;
}

/** The experts of a mixture-of-experts model. */
export interface ExpertShape {
  /** Experts in each layer. */
  readonly count: number;
  /** Of these, how many compute each token. */
  readonly usedCount: number;
  /** Inner width of one expert. */
  readonly feedForwardLength: number;
  /** Inner width of the part that computes every token; 0 without. */
  readonly sharedFeedForwardLength: number;
}

/** The recurrent layers of a state space model. */
export interface RecurrentShape {
  /** Inner width of the recurrent part. */
  readonly innerLength: number;
  /** Width of what is convolved: the inner width, and in newer forms what writes to and reads from the state. */
  readonly convolvedLength: number;
}
