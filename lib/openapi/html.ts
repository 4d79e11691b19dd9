/** A piece of a page, which is safe to stand in one. */
export class Html {
  /** Takes markup as it is. */
  constructor(
    /** The markup. */
    readonly text: string,
  ) {}
}

/** What may stand in a template: text is escaped, pieces are not, and lists are joined. */
export type HtmlPart = Html | string | number | readonly HtmlPart[];

/** A template of markup, in which whatever is no {@linkcode Html} is escaped. */
export function html(markup: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(markup.reduce((text, piece, index) => text + textOf(parts[index - 1]!) + piece));
}

function textOf(part: HtmlPart): string {
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(textOf).join("");
  return String(part).replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
