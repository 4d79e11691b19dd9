import { createHash } from "node:crypto";

const MARK = "# sollol-seal: sha256:";

/** What seals a text: its SHA-256 in lower-case hexadecimal digits. */
export function sealOf(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}

/** The text with its seal as the last line. It must end with a newline. */
export function sealed(body: string): string {
  return `${body}${MARK}${sealOf(body)}\n`;
}

/** Whether a unit is as some version of sollol wrote it: its last line is the seal of all before. */
export function isUntouched(text: string): boolean {
  const start = text.lastIndexOf(MARK);
  return start >= 0 && text === sealed(text.slice(0, start));
}
