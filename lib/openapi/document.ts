import type * as z from "zod";
import type { DialectName } from "../dialects/client_dialect.ts";
import type {
  OpenApiAnswer,
  OpenApiContent,
  OpenApiDocument,
  OpenApiHeader,
  OpenApiOperation,
  OpenApiParameter,
  OpenApiReference,
} from "./openapi_document.ts";
import { OPERATIONS } from "./operations/all_operations.ts";
import { ANSWER_HEADERS, type AnswerHeader, REQUEST_HEADERS } from "./operations/gateway_headers.ts";
import { type Answer, type Body, type Operation, TAGS } from "./operations/operation.ts";
import { ERROR_MEANINGS, refusedStatuses } from "./operations/refusals.ts";
import { anthropicError, ollamaError, openaiError } from "./schema/errors.ts";
import { JsonSchemas } from "./schema/json_schemas.ts";

/** All that is served, as an OpenAPI 3.1 document. Takes tens of ms: keep it. @param version Of sollol. */
export function openapiDocument(version: string): OpenApiDocument {
  return new DocumentBuilder().build(version);
}

const DESCRIPTION =
  "A gateway for the language models of a homelab. It speaks OpenAI's, Ollama's and Anthropic's dialects on one port, and " +
  "sends each request to an Ollama node that holds the model, or to a llama.cpp coordinator that has it spread over several " +
  "machines. Fields that are not known here are passed on, or ignored, as the upstream does.";

const ERRORS: Readonly<Record<Operation["dialect"], z.ZodType>> = {
  openai: openaiError,
  ollama: ollamaError,
  anthropic: anthropicError,
} satisfies Record<Exclude<DialectName, "responses">, z.ZodType>;

/** Statuses whose answers say when to ask again. */
const WAITING: ReadonlySet<number> = new Set([429, 503]);

const SECURITY = {
  public: [],
  key: [{ bearer: [] }, { apiKey: [] }],
  worker: [{ worker: [] }],
} as const;

class DocumentBuilder {
  readonly #schemas = new JsonSchemas(schemasOf(OPERATIONS));

  build(version: string): OpenApiDocument {
    return {
      openapi: "3.1.1",
      info: { title: "sollol", version, description: DESCRIPTION },
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      paths: this.#paths(),
      components: {
        schemas: this.#schemas.named,
        responses: this.#errorAnswers(),
        parameters: this.#requestHeaders(),
        headers: this.#answerHeaders(),
        securitySchemes: {
          bearer: {
            type: "http",
            scheme: "bearer",
            description:
              "A key whose scopes and models allow it; Basic takes it as the password. Where the operator has made none, " +
              "programs on the gateway's own machine may do everything.",
          },
          apiKey: {
            type: "apiKey",
            in: "header",
            name: "x-api-key",
            description: "The same, in another header.",
          },
          worker: {
            type: "http",
            scheme: "bearer",
            description: "The worker token, or a key with the scope worker.",
          },
        },
      },
    };
  }

  #paths(): OpenApiDocument["paths"] {
    const paths: Record<string, Record<string, OpenApiOperation>> = {};
    for (const operation of OPERATIONS) {
      (paths[operation.path] ??= {})[operation.method] = this.#operation(operation);
    }
    return paths;
  }

  #operation(operation: Operation): OpenApiOperation {
    const { id, tag, summary, description, access = "key", body } = operation;
    const parameters = this.#parameters(operation);
    return {
      operationId: id,
      tags: [tag],
      summary,
      ...(description !== undefined && { description }),
      security: SECURITY[access],
      ...(parameters.length > 0 && { parameters }),
      ...(body && { requestBody: { required: !body.isOptional, content: this.#content([body]) } }),
      responses: { ...this.#answers(operation), ...refusals(operation) },
    };
  }

  #parameters({ parameters = [], isInference = false }: Operation): (OpenApiParameter | OpenApiReference)[] {
    const own = parameters.map(({ name, in: place, isRequired, description, schema }): OpenApiParameter => ({
      name,
      in: place,
      required: isRequired ?? place === "path",
      description,
      schema: this.#schemas.of(schema),
    }));
    const shared = isInference ? Object.keys(REQUEST_HEADERS) : [];
    return [...own, ...shared.map((name) => ({ $ref: `#/components/parameters/${name}` }))];
  }

  #answers({ answers }: Operation): Record<string, OpenApiAnswer> {
    return Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [status, this.#answer(answer)]),
    );
  }

  #answer({ description, bodies = [], headers = [] }: Answer): OpenApiAnswer {
    return {
      description,
      ...(headers.length > 0 && { headers: headersOf(headers) }),
      ...(bodies.length > 0 && { content: this.#content(bodies) }),
    };
  }

  #errorAnswers(): Record<string, OpenApiAnswer> {
    return Object.fromEntries(
      Object.entries(ERRORS).flatMap(([dialect, schema]) =>
        [...ERROR_MEANINGS].map(([status, description]) => [errorName(dialect, status), {
          description,
          headers: headersOf(
            WAITING.has(status) ? ["x-sollol-request-id", "retry-after"] : ["x-sollol-request-id"],
          ),
          content: this.#content([{ schema }]),
        }])
      ),
    );
  }

  #content(bodies: readonly Body[]): OpenApiContent {
    return Object.fromEntries(
      bodies.map(({ schema, type = "application/json" }) => [type, { schema: this.#schemas.of(schema) }]),
    );
  }

  #requestHeaders(): Record<string, OpenApiParameter> {
    return Object.fromEntries(
      Object.entries(REQUEST_HEADERS).map(([key, { name, description, schema }]) => [
        key,
        { name, in: "header", required: false, description, schema: this.#schemas.of(schema) },
      ]),
    );
  }

  #answerHeaders(): Record<string, OpenApiHeader> {
    return Object.fromEntries(
      Object.entries(ANSWER_HEADERS).map(([name, { description, schema }]) => [
        name,
        { description, schema: this.#schemas.of(schema) },
      ]),
    );
  }
}

function refusals(operation: Operation): Record<string, OpenApiReference> {
  return Object.fromEntries(
    refusedStatuses(operation).map((status) => [
      String(status),
      { $ref: `#/components/responses/${errorName(operation.dialect, status)}` },
    ]),
  );
}

function errorName(dialect: string, status: number): string {
  return `${dialect}-${status}`;
}

function headersOf(names: readonly AnswerHeader[]): Record<string, OpenApiReference> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function* schemasOf(operations: readonly Operation[]): Generator<z.ZodType, void> {
  for (const { body, answers, parameters = [] } of operations) {
    if (body) yield body.schema;
    for (const { bodies = [] } of Object.values(answers)) yield* bodies.map(({ schema }) => schema);
    yield* parameters.map(({ schema }) => schema);
  }
  yield* [...Object.values(REQUEST_HEADERS), ...Object.values(ANSWER_HEADERS)].map(({ schema }) => schema);
}
