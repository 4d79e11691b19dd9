import type { ConfigKey } from "./keys.ts";

const YES = new Set(["true", "yes", "on", "1"]);
const NO = new Set(["false", "no", "off", "0"]);

/**
 * Turns the text of a variable or flag into the kind of value that a key takes. A text that does not fit is
 * left as it is, for validation to refuse in its own words.
 */
export function valueOfText(key: Pick<ConfigKey, "kind" | "separator">, text: string): unknown {
  switch (key.kind) {
    case "boolean":
      return booleanOf(text);
    case "number":
      return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
    case "list":
      return listOf(text, key.separator);
    case "map":
      return jsonOf(text);
    case "text":
      return text;
  }
}

/** What begins so is meant as JSON; an IPv6 address in brackets and a path are not. */
const JSON_LIST = /^\s*\[\s*["{[\]]/;

/**
 * A list that is written as one text: its elements with separators between, empty ones left out, or JSON. JSON that
 * cannot be read is left as it is.
 */
export function listOf(text: string, separator: "," | " "): unknown {
  return JSON_LIST.test(text) ? jsonOf(text) : elementsOf(text, separator);
}

/** The elements of a list that is written as one text; empty ones are left out. */
export function elementsOf(text: string, separator: "," | " "): string[] {
  const elements = separator === " " ? text.split(/\s+/) : text.split(",").map((element) => element.trim());
  return elements.filter((element) => element !== "");
}

function booleanOf(text: string): boolean | string {
  const word = text.trim().toLowerCase();
  return YES.has(word) || (NO.has(word) ? false : text);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
