const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Carriage return: with a line feed, and only so, the end of a line. */
export const CR = 13;
/** Line feed. */
export const LF = 10;

/** Whether the text is a token: a method or a header name. @see RFC 9110 section 5.6.2 */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether the text may stand in a header value or a reason: no control but tab, nothing above one octet. */
export function isFieldText(text: string): boolean {
  return FIELD_TEXT.test(text);
}

/** The text without spaces and tabs around it. `trim()` would also take U+00A0, an octet that a value may hold. */
export function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** Whether the octet is a space or a tab. */
export function isBlank(octet: number): boolean {
  return octet === 0x20 || octet === 0x09;
}
