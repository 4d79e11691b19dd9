import { stringify } from "yaml";
import { configSchema } from "../config/tree.ts";
import { wrap } from "./terminal.ts";

const WIDTH = 100;

const HEADER = [
  "Configuration of sollol. Everything is optional: each key is listed with its default, switched off by a # before it.",
  "`sollol config check` says what is wrong with this file, `sollol config show` what counts and where it comes from.",
];

/** The part of JSON Schema that the tree gives rise to. */
interface SchemaNode {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

/** A config file in which every key stands, explained and switched off: as it is, it changes nothing. */
export function configTemplate(): string {
  const root = configSchema() as SchemaNode;
  const keys = Object.entries(root.properties ?? {}).map(([name, node]) => linesOf(name, node, "#"));
  return [comment(HEADER.join(" "), "# "), ...keys].map((lines) => `${lines.join("\n")}\n`).join("\n");
}

function linesOf(
  name: string,
  { description = "", properties, default: value }: SchemaNode,
  indent: string,
): string[] {
  const about = comment(description, `${indent === "#" ? "" : indent}# `);
  if (!properties) return [...about, `${indent}${name}:${value === undefined ? "" : ` ${written(value)}`}`];
  const inner = Object.entries(properties).flatMap(([child, node]) => linesOf(child, node, `${indent}  `));
  return [...about, `${indent}${name}:`, ...inner];
}

function comment(text: string, prefix: string): string[] {
  return wrap(text, WIDTH - prefix.length).map((line) => prefix + line);
}

function written(value: unknown): string {
  return stringify(value, { collectionStyle: "flow" }).trimEnd();
}
