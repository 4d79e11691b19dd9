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

/** A text that may be too long, taken apart. */
interface LongText {
  readonly text: string;
  /** Those that the model wants before it. */
  readonly before: readonly number[];
  readonly tokens: readonly number[];
  /** Those that the model wants behind it. */
  readonly behind: readonly number[];
}

type EmbedInput = string | LongText;

/** A llama-server has room for as much at least: its batches, where nobody asked for larger ones. */
const LEAST_ROOM = 512;

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
    const inputs: EmbedInput[] = [];
    for (const text of texts) inputs.push(isLong(text) ? await takenApart(text, measure) : text);
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

async function takenApart(text: string, { tokenize }: EmbedMeasure): Promise<LongText> {
  const tokens = await tokenize(text, false);
  const all = await tokenize(text, true);
  const added = all.length - tokens.length;
  const beforeCount = added > 0 && all[0] !== tokens[0] ? 1 : 0;
  return { text, before: all.slice(0, beforeCount), tokens, behind: all.slice(beforeCount + tokens.length) };
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
