import { styleText } from "node:util";
import type { Environment } from "../config/environment.ts";
import type { TextOutput } from "./command.ts";

/** What a piece of text is, not how it looks. */
export type Role = "heading" | "name" | "good" | "bad" | "doubtful" | "quiet";

/** Marks a text for the eye, or leaves it as it is where colours are not wanted. */
export type Paint = (role: Role, text: string) => string;

const FORMATS = {
  heading: "bold",
  name: "cyan",
  good: "green",
  bad: "red",
  doubtful: "yellow",
  quiet: "gray",
} as const;

/** Colours for an output: only on a terminal that knows them, and never against `NO_COLOR`. */
export function painter(output: TextOutput, env: Environment): Paint {
  const isColored = output.isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  if (!isColored) return (_role, text) => text;
  return (role, text) => styleText(FORMATS[role], text, { validateStream: false });
}

/** Text that came from elsewhere, with all that could steer a terminal or turn its direction replaced. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, "\u{fffd}");
}

/** Breaks a text at spaces so that no line is longer than `width`, unless one word is. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((word) => word !== "")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${line} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
