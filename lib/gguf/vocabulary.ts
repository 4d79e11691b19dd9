import { GgufSyntaxError } from "./errors.ts";

/** What a model's file says of its tokens. */
export interface VocabularyParts {
  /** `tokenizer.ggml.model`. */
  readonly tokenizer: string;
  /** The elements of `tokenizer.ggml.tokens` as they lie in the file. */
  readonly tokens: Uint8Array;
  /** The elements of `tokenizer.ggml.token_type` as they lie in the file: an i32 for each token. */
  readonly types: Uint8Array;
}

const NORMAL = 1;
const USER_DEFINED = 4;
const BYTE = 6;

/** Longer texts of several tokens are not taken apart, characters. */
const MAX_SPLIT_LENGTH = 4_096;
/** Longer tokens are found only where they are all of a text, characters. */
const MAX_PART_LENGTH = 64;

/**
 * Tells tokens by the text that they are shown as. A tokenizer cannot: what it makes of a text need not be what a model
 * said it with.
 *
 * @see `llama_vocab::impl::token_to_piece` in llama.cpp's src/llama-vocab.cpp
 */
export class Vocabulary {
  private constructor(
    private readonly ids: ReadonlyMap<string, number>,
    private readonly byteIds: ReadonlyMap<number, number>,
    private readonly spelling: (text: string) => string,
  ) {}

  /**
   * Reads it from its parts.
   *
   * @returns `undefined` if it is of a kind whose tokens are not told by their text.
   * @throws {GgufSyntaxError} If the parts do not fit together.
   */
  static from({ tokenizer, tokens, types }: VocabularyParts): Vocabulary | undefined {
    const spelling = SPELLINGS.get(tokenizer);
    if (!spelling) return undefined;
    const ids = new Map<string, number>();
    const byteIds = new Map<number, number>();
    const typeOf = new DataView(types.buffer, types.byteOffset, types.byteLength);
    let id = 0;
    for (const piece of readStrings(tokens)) {
      if (id * 4 + 4 > types.byteLength) throw mismatch();
      const type = typeOf.getInt32(id * 4, true);
      if (type === BYTE) byteIds.set(Number(piece.slice(1, -1)), id);
      else if (type === NORMAL && !ids.has(piece)) ids.set(piece, id);
      else if (type === USER_DEFINED) ids.set(spelling(piece), id); // stored as it is shown
      id++;
    }
    if (id * 4 !== types.byteLength) throw mismatch();
    return new Vocabulary(ids, byteIds, spelling);
  }

  /**
   * The tokens that are shown as this text, which a stream gave in one piece: nearly always one. Several are held back
   * together where they might have become a character or a stop word; they are taken to be as few as can be.
   *
   * @returns `undefined` if there are none.
   */
  idsOf(text: string): readonly number[] | undefined {
    const spelled = this.spelling(text);
    const id = this.ids.get(spelled);
    if (id !== undefined) return [id];
    return spelled.length <= MAX_SPLIT_LENGTH ? this.#fewest(spelled) : undefined;
  }

  /** From the end to the start: the shortest way from each place is known when one that leads there is sought. */
  #fewest(spelled: string): readonly number[] | undefined {
    const ways: (Way | undefined)[] = Array.from({ length: spelled.length + 1 });
    ways[spelled.length] = { ids: [], rest: undefined, count: 0 };
    for (let at = spelled.length - 1; at >= 0; at--) {
      ways[at] = this.#bytesAt(spelled, at, ways);
      for (let end = at + 1; end <= Math.min(spelled.length, at + MAX_PART_LENGTH); end++) {
        const id = this.ids.get(spelled.slice(at, end));
        const rest = ways[end];
        if (id === undefined || !rest) continue;
        if (rest.count + 1 <= (ways[at]?.count ?? Infinity)) {
          ways[at] = { ids: [id], rest, count: rest.count + 1 };
        }
      }
    }
    return ways[0] && [...idsAlong(ways[0])];
  }

  #bytesAt(spelled: string, at: number, ways: readonly (Way | undefined)[]): Way | undefined {
    const character = String.fromCodePoint(spelled.codePointAt(at)!);
    const rest = ways[at + character.length];
    const ids = [...encoder.encode(character)].map((byte) => this.byteIds.get(byte));
    if (!rest || !ids.every((id) => id !== undefined)) return undefined;
    return { ids, rest, count: rest.count + ids.length };
  }
}

/** Tokens to the end of a text. */
interface Way {
  readonly ids: readonly number[];
  readonly rest: Way | undefined;
  readonly count: number;
}

function* idsAlong(way: Way): Generator<number> {
  for (let at: Way | undefined = way; at; at = at.rest) yield* at.ids;
}

/** How a text is written in the vocabulary of a tokenizer. */
const SPELLINGS: ReadonlyMap<string, (text: string) => string> = new Map([
  ["llama", (text) => text.replaceAll(" ", "\u2581")],
  ["gpt2", (text) => Array.from(encoder.encode(text), (byte) => BYTE_LETTERS[byte]).join("")],
]);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** GPT-2 writes each byte as a visible letter: itself where it is one, else the next beyond U+00FF. */
const BYTE_LETTERS: readonly string[] = byteLetters();

function byteLetters(): string[] {
  let hiddenCount = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const isVisible = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(isVisible ? byte : 0x100 + hiddenCount++);
  });
}

function* readStrings(bytes: Uint8Array): Generator<string> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.byteLength;) {
    const lengthBytes = at + 8 <= bytes.byteLength ? Number(view.getBigUint64(at, true)) : Infinity;
    const end = at + 8 + lengthBytes;
    if (end > bytes.byteLength) throw new GgufSyntaxError("a token of its vocabulary has no end", at);
    yield decoder.decode(bytes.subarray(at + 8, end));
    at = end;
  }
}

function mismatch(): GgufSyntaxError {
  return new GgufSyntaxError("its vocabulary has not as many tokens as types of tokens", 0);
}
