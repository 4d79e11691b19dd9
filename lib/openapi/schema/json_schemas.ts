import * as z from "zod";
import type { JsonSchema } from "../openapi_document.ts";
import { COMPONENTS } from "./component.ts";

/** All schemas of a document as JSON Schema; those with a name are referred to by the others. */
export class JsonSchemas {
  readonly #names = new Map<z.ZodType, string>([...COMPONENTS].map(([name, schema]) => [schema, name]));
  readonly #converted: Readonly<Record<string, JsonSchema>>;

  /** Converts what has a name, and these. */
  constructor(others: Iterable<z.ZodType>) {
    for (const schema of others) {
      if (!this.#names.has(schema)) this.#names.set(schema, `${NAMELESS}${this.#names.size}`);
    }
    const registry = z.registry<{ id: string }>();
    for (const [schema, id] of this.#names) registry.add(schema, { id });
    const { schemas } = z.toJSONSchema(registry, { io: "input", uri: pointerTo, override: withoutNoise });
    this.#converted = schemas as Readonly<Record<string, JsonSchema>>;
  }

  /** Those that have a name, by it. */
  get named(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...COMPONENTS.keys()].toSorted().map((name) => [name, this.#get(name)]));
  }

  /** One of them: a reference, if it has a name. */
  of(schema: z.ZodType): JsonSchema {
    const name = this.#names.get(schema);
    if (name === undefined) throw new TypeError("this schema was not handed in");
    return name.startsWith(NAMELESS) ? this.#get(name) : { $ref: pointerTo(name) };
  }

  #get(name: string): JsonSchema {
    const { $schema: _dialect, $id: _id, ...rest } = this.#converted[name]!;
    return rest;
  }
}

/** No component's name begins so. */
const NAMELESS = "-";

function pointerTo(name: string): string {
  return `#/components/schemas/${name}`;
}

/** That a number is one which JavaScript can hold, and a key text, is no news. */
function withoutNoise({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (typeof jsonSchema.propertyNames === "object" && jsonSchema.propertyNames.type === "string") {
    delete jsonSchema.propertyNames;
  }
}
