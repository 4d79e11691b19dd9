import { mapConcurrently } from "../concurrent.ts";
import { GatewayError } from "../errors.ts";
import { EMBED_TOO_LONG } from "./ollama_embed_dialect.ts";
import { mayExceed } from "./llama_prompt_size.ts";

/** What texts are measured with. */
export interface EmbedMeasure {
  /** Tokens that there is room for; `undefined`: nobody knows. */
  readonly contextSize: number | undefined;
  /** Whether a text that is too long is cut. */
  readonly truncate: boolean;
  /** The tokens of a text, with or without those that the model wants around it. */
  tokenize(text: string, hasSpecial: boolean): Promise<readonly number[]>;
}

/** The tokens that a model wants around every text. */
interface SpecialTokens {
  readonly before: readonly number[];
  readonly behind: readonly number[];
}

/** A text that may be too long, taken apart. */
interface LongText extends SpecialTokens {
  readonly text: string;
  readonly tokens: readonly number[];
}

type EmbedInput = string | LongText;

/** A llama-server has room for as much at least: its batches, where nobody asked for larger ones. */
const LEAST_ROOM = 512;
/** Texts that are measured at a time: one after another a thousand would wait for as many round trips. */
const MAX_MEASURED_AT_ONCE = 8;

/** Texts to be embedded, of which those that may be too long can be cut. */
export class EmbedInputs {
  private constructor(
    private readonly inputs: readonly EmbedInput[],
    private readonly room: number | undefined,
    private readonly mayCut: boolean,
  ) {}

  /**
   * Measures the texts that may be too long.
   *
   * @throws {GatewayError} `context_too_long` if one is, and must not be cut. What `tokenize` throws.
   */
  static async measure(texts: readonly string[], measure: EmbedMeasure): Promise<EmbedInputs> {
    const { contextSize, truncate } = measure;
    const isLong = (text: string) => mayExceed(text, contextSize ?? (truncate ? LEAST_ROOM : undefined));
    if (!texts.some(isLong)) return new EmbedInputs(texts, contextSize, truncate);
    const special = await specialTokens(measure);
    const inputs = await mapConcurrently(
      texts,
      MAX_MEASURED_AT_ONCE,
      async (text) => isLong(text) ? await takenApart(text, special, measure) : text,
    );
    if (!truncate && inputs.some((input) => lengthOf(input) > contextSize!)) throw tooLong();
    return new EmbedInputs(inputs, contextSize, truncate);
  }

  /** For the field `input`: text where it fits, else tokens. */
  get said(): readonly (string | readonly number[])[] {
    const { room } = this;
    return this.inputs.map((input) => {
      if (typeof input === "string") return input;
      const { text, before, tokens, behind } = input;
      if (room === undefined || lengthOf(input) <= room) return text;
      const rest = Math.max(room - before.length - behind.length, 1);
      return [...before, ...tokens.slice(0, rest), ...behind];
    });
  }

  /** The same for less room; `undefined` if nothing gets shorter by that. */
  cutTo(room: number | undefined): EmbedInputs | undefined {
    const isShorter = (input: EmbedInput) => lengthOf(input) > room! && lengthOf(input) > 3;
    const isLess = room !== undefined && (this.room === undefined || room < this.room);
    if (!this.mayCut || !isLess || !this.inputs.some(isShorter)) return undefined;
    return new EmbedInputs(this.inputs, room, true);
  }
}

/** They are the same for all texts, and so a short one shows them. */
async function specialTokens({ tokenize }: EmbedMeasure): Promise<SpecialTokens> {
  const tokens = await tokenize(SHORT_TEXT, false);
  const all = await tokenize(SHORT_TEXT, true);
  const beforeCount = all.length > tokens.length && all[0] !== tokens[0] ? 1 : 0;
  return { before: all.slice(0, beforeCount), behind: all.slice(beforeCount + tokens.length) };
}

const SHORT_TEXT = "a";

async function takenApart(
  text: string,
  { before, behind }: SpecialTokens,
  { tokenize }: EmbedMeasure,
): Promise<LongText> {
  return { text, before, tokens: await tokenize(text, false), behind };
}

/** 0 for a text that is short in any case. */
function lengthOf(input: EmbedInput): number {
  return typeof input === "string" ? 0 : input.before.length + input.tokens.length + input.behind.length;
}

function tooLong(): GatewayError {
  return new GatewayError("context_too_long", EMBED_TOO_LONG, {
    field: "input",
  });
}
