import { Html, html } from "./html.ts";
import type { JsonSchema } from "./openapi_document.ts";

const NOTHING = new Html("");

/** The anchor of a schema that has a name. */
export function anchorOf(name: string): string {
  return `schema-${name}`;
}

/** The name that a reference leads to. */
export function nameIn({ $ref }: JsonSchema): string | undefined {
  return typeof $ref === "string" ? $ref.split("/").at(-1) : undefined;
}

/** What a value may be, in a few words. */
export function kindHtml(schema: JsonSchema): Html {
  const name = nameIn(schema);
  if (name !== undefined) return html`<a href="#${anchorOf(name)}">${name}</a>`;
  if ("const" in schema) return html`<code>${JSON.stringify(schema["const"])}</code>`;
  if (Array.isArray(schema["enum"])) {
    return joined(schema["enum"].map((value) => html`<code>${String(value)}</code>`));
  }
  const choices = choicesOf(schema);
  if (choices.length > 0) return joined(choices.map(kindHtml));
  if (schema["type"] === "array") return html`list of ${kindHtml(itemsOf(schema))}`;
  if (Array.isArray(schema["type"])) return joined(schema["type"].map((type) => kindHtml({ type })));
  return html`${KINDS[String(schema["type"])] ?? "anything"}`;
}

/** The fields of an object, and of what stands in them; nothing where there are none. */
export function fieldsHtml(schema: JsonSchema): Html {
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : []);
  const fields = Object.entries(propertiesOf(schema));
  const own = fields.length === 0
    ? NOTHING
    : html`<dl>${fields.map(([name, field]) => fieldHtml(name, field, required.has(name)))}</dl>`;
  const inner = [...choicesOf(schema), ...schema["type"] === "array" ? [itemsOf(schema)] : []];
  return html`${own}${inner.map(fieldsHtml)}`;
}

function fieldHtml(name: string, schema: JsonSchema, isRequired: boolean): Html {
  const mark = isRequired
    ? html`
      <small>always</small>
    `
    : NOTHING;
  const description = typeof schema["description"] === "string" ? schema["description"] : "";
  return html`
    <dt><code>${name}</code> <span>${kindHtml(schema)}</span>${mark}</dt>
    <dd>${description}${fieldsHtml(schema)}</dd>
  `;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "true or false",
  object: "object",
  null: "null",
};

function joined(parts: readonly Html[]): Html {
  return new Html(parts.map(({ text }) => text).join(" or "));
}

function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return (schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>;
}

function choicesOf(schema: JsonSchema): readonly JsonSchema[] {
  return (schema["anyOf"] ?? schema["oneOf"] ?? []) as readonly JsonSchema[];
}

function itemsOf(schema: JsonSchema): JsonSchema {
  return (schema["items"] ?? {}) as JsonSchema;
}
