/** What {@linkcode GgufSyntaxError} may carry beside its sentence. */
export interface GgufSyntaxErrorOptions extends ErrorOptions {
  /** What the owner of the file should do, as an order: `run "git lfs pull"`. */
  advice?: string;
}

/**
 * The bytes are no GGUF that we can use.
 *
 * The message calls the file "it": only the caller knows its name.
 */
export class GgufSyntaxError extends SyntaxError {
  /** The name of the class. */
  override readonly name: string = "GgufSyntaxError";
  /** What to do about it. */
  readonly advice: string;

  /** The message goes on after the file's name: `it is empty`, `its alignment is 7, expected …`. */
  constructor(
    message: string,
    /** Where in the file the trouble starts, in bytes. */
    readonly offset: number,
    options: GgufSyntaxErrorOptions = {},
  ) {
    super(message, options);
    this.advice = options.advice ?? "download or convert it again";
  }
}

/** The file ends early, as after a broken download. */
export class GgufTruncatedError extends GgufSyntaxError {
  /** The name of the class. */
  override readonly name = "GgufTruncatedError";

  /** Both lengths go into the message. */
  constructor(
    /** How long the file is, in bytes. */
    readonly sizeBytes: number,
    /** How long it must be in bytes. A lower bound if it ends within its header. */
    readonly needBytes: number,
  ) {
    super(
      `it is truncated: has ${sizeBytes} of at least ${needBytes} bytes`,
      sizeBytes,
      { advice: "download it again, or wait until the download ends" },
    );
  }
}
