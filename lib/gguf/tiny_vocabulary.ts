/** A token of the tiny model. */
export interface TinyToken {
  /** Its text; `▁` is a space. */
  readonly piece: string;
  /** `llama_token_type`: 1 normal, 2 unknown, 3 control, 6 byte. */
  readonly type: number;
  /** How much the model likes to say it: 0 for words, far below for what should not be seen. */
  readonly bias: number;
}

const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;

const NEVER = -9;
const RARELY = -6;
const OFTEN = 0;

const WORDS = `
  the of and a to in is you that it he was for on are as with his they I at be this have from or one had by
  word but not what all were we when your can said there use an each which she do how their if will up other about out
  many then them these so some her would make like him into time has look two more write go see number no way could
  people my than first water been call who oil its now find long down day did get come made may part over new sound take
  only little work know place year live me back give most very after thing our just name good sentence man think say
  great where help through much before line right too mean old any same tell boy follow came want show also around form
  three small set put end does another well large must big even such because turn here why ask went men read need land`;

/**
 * The vocabulary in SentencePiece style: three controls, all 256 bytes so that any text can be told, printable ASCII,
 * common English words, and the two ChatML marks at the end.
 */
export function tinyVocabulary(): TinyToken[] {
  const token = (piece: string, type: number, bias: number): TinyToken => ({ piece, type, bias });
  const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, "0"));
  const ascii = Array.from({ length: 127 - 33 }, (_, index) => String.fromCharCode(33 + index));
  const words = WORDS.trim().split(/\s+/).filter((word) => word.length > 1);
  return [
    token("<unk>", UNKNOWN, NEVER),
    token("<s>", CONTROL, NEVER),
    token("</s>", CONTROL, NEVER),
    ...bytes.map((hex) => token(`<0x${hex}>`, BYTE, RARELY)),
    token("▁", NORMAL, RARELY),
    ...ascii.map((letter) => token(letter, NORMAL, ".,".includes(letter) ? OFTEN : RARELY)),
    ...new Set(words).values().map((word) => token(`▁${word}`, NORMAL, OFTEN)),
    token("<|im_start|>", CONTROL, NEVER),
    token("<|im_end|>", CONTROL, NEVER),
  ];
}

/** Messages between ChatML marks, one a line. */
export const TINY_CHAT_TEMPLATE: string =
  "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
