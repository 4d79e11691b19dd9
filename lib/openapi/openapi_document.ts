/** A JSON Schema (2020-12), as OpenAPI 3.1 has it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A body, by its content type. */
export type OpenApiContent = Readonly<Record<string, { readonly schema: JsonSchema }>>;

/** What stands in a path, a query or a header. */
export interface OpenApiParameter {
  /** As it is written. */
  readonly name: string;
  /** Where it stands. */
  readonly in: "path" | "query" | "header";
  /** Whether it must be there; always of a path. */
  readonly required: boolean;
  /** What it means. */
  readonly description: string;
  /** What it may be. */
  readonly schema: JsonSchema;
}

/** A reference into the document, such as `#/components/parameters/Priority`. */
export interface OpenApiReference {
  /** A JSON pointer behind `#`. */
  readonly $ref: string;
}

/** A header of an answer. */
export interface OpenApiHeader {
  /** What it tells. */
  readonly description: string;
  /** What it may be. */
  readonly schema: JsonSchema;
}

/** An answer. */
export interface OpenApiAnswer {
  /** What it means. */
  readonly description: string;
  /** Headers of note, by name. */
  readonly headers?: Readonly<Record<string, OpenApiReference>>;
  /** Absent: it has no body. */
  readonly content?: OpenApiContent;
}

/** What one method of one path does. */
export interface OpenApiOperation {
  /** Unique. */
  readonly operationId: string;
  /** The group that it belongs to. */
  readonly tags: readonly string[];
  /** What it is for, in one line. */
  readonly summary: string;
  /** What else there is to know. */
  readonly description?: string;
  /** Empty: everybody may. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  /** What stands beside the body. */
  readonly parameters?: readonly (OpenApiParameter | OpenApiReference)[];
  /** What is sent. */
  readonly requestBody?: { readonly required: boolean; readonly content: OpenApiContent };
  /** By HTTP status. */
  readonly responses: Readonly<Record<string, OpenApiAnswer | OpenApiReference>>;
}

/** What of OpenAPI 3.1 is used to tell what is served. */
export interface OpenApiDocument {
  /** Of the specification. */
  readonly openapi: "3.1.1";
  /** What it describes. */
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  /** The groups of operations, in the order in which people read them. */
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** By path, then by method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  /** What operations refer to. */
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Readonly<Record<string, OpenApiAnswer>>;
    readonly parameters: Readonly<Record<string, OpenApiParameter>>;
    readonly headers: Readonly<Record<string, OpenApiHeader>>;
    readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}
