import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { STATUS } from "../../../lib/errors.ts";
import { openapiDocument } from "../../../lib/openapi/document.ts";
import type { JsonSchema } from "../../../lib/openapi/openapi_document.ts";
import { COMPONENTS } from "../../../lib/openapi/schema/component.ts";

const document = openapiDocument("1.2.3");
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
);

/** Every object in a value with its place, the value itself first. */
function* objectsIn(
  value: unknown,
  place = "#",
): Generator<[place: string, object: Record<string, unknown>], void> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [place, value as Record<string, unknown>];
  for (const [key, inner] of Object.entries(value)) yield* objectsIn(inner, `${place}/${key}`);
}

function referencesIn(value: unknown): string[] {
  return [...objectsIn(value)].flatMap(([, { $ref }]) => typeof $ref === "string" ? [$ref] : []);
}

function follow(reference: string): unknown {
  const [head, ...steps] = reference.split("/");
  equal(head, "#", reference);
  return steps.reduce<unknown>(
    (value, step) => (value as Record<string, unknown> | undefined)?.[step],
    document,
  );
}

Deno.test("the document says which OpenAPI it is, and the version of sollol", () => {
  match(document.openapi, /^3\.1\.\d$/);
  equal(document.info.version, "1.2.3");
  deepEqual(openapiDocument("1.2.3"), document, "made again it is the same");
});

Deno.test("the document survives JSON unharmed", () => {
  deepEqual(JSON.parse(JSON.stringify(document)), document);
});

Deno.test("every reference leads somewhere", () => {
  const references = referencesIn(document);
  ok(references.length > 100, `${references.length} references`);
  deepEqual(references.filter((reference) => follow(reference) === undefined), []);
});

Deno.test("every component is used", () => {
  const used = new Set<string>();
  const visit = (value: unknown): void => {
    for (const reference of referencesIn(value)) {
      if (used.has(reference)) continue;
      used.add(reference);
      visit(follow(reference));
    }
  };
  visit(document.paths);
  const { securitySchemes: _others, responses: _shared, ...components } = document.components;
  const all = Object.entries(components).flatMap(([kind, named]) =>
    Object.keys(named).map((name) => `#/components/${kind}/${name}`)
  );
  deepEqual(all.filter((reference) => !used.has(reference)), []);
});

Deno.test("every schema that has a name is a component", () => {
  deepEqual(Object.keys(document.components.schemas), [...COMPONENTS.keys()].toSorted());
});

Deno.test("no schema brings definitions or an address of its own", () => {
  const own = ["$defs", "$id", "$schema", "definitions"];
  const found = [...objectsIn(document.components.schemas)]
    .filter(([place]) => !place.endsWith("/properties"))
    .filter(([, object]) => own.some((key) => key in object));
  deepEqual(found.map(([place]) => place), []);
});

Deno.test("operations have ids that no other has, and that make a function's name", () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  equal(new Set(ids).size, ids.length);
  deepEqual(ids.filter((id) => !/^[a-z][A-Za-z]+$/.test(id)), []);
});

for (const { path, method, operation } of operations) {
  const name = `${method.toUpperCase()} ${path}`;

  Deno.test(`${name} says what it is for, and what it answers`, () => {
    match(operation.summary, /^[A-Z][^.]+$/);
    const statuses = Object.keys(operation.responses);
    ok(statuses.some((status) => /^2\d\d$/.test(status)), `answers ${statuses.join(", ")}`);
    deepEqual(statuses.filter((status) => !/^[2-5]\d\d$/.test(status)), []);
    for (const answer of Object.values(operation.responses)) {
      const { description } = ("$ref" in answer ? follow(answer.$ref) : answer) as { description: string };
      notEqual(description, "");
    }
    const groups = document.tags.map((tag) => tag.name);
    deepEqual(operation.tags.filter((tag) => !groups.includes(tag)), []);
  });

  Deno.test(`${name} declares its parameters, each once`, () => {
    const said = (operation.parameters ?? []).map((one) =>
      ("$ref" in one ? follow(one.$ref) : one) as {
        name: string;
        in: string;
        required: boolean;
        description: string;
      }
    );
    const inPath = said.filter((one) => one.in === "path");
    deepEqual(
      inPath.map((one) => one.name),
      [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter),
    );
    ok(inPath.every(({ required }) => required), "what stands in a path is always there");
    ok(said.every(({ description }) => description !== ""), "all are described");
    const places = said.map((one) => `${one.in} ${one.name}`);
    equal(new Set(places).size, places.length, places.join(", "));
  });

  Deno.test(`${name} is guarded by known means`, () => {
    const means = operation.security.flatMap((one) => Object.keys(one));
    deepEqual(means.filter((one) => !(one in document.components.securitySchemes)), []);
    equal("401" in operation.responses, means.length > 0);
  });
}

Deno.test("every field of every schema says what it means", () => {
  const silent = [...objectsIn(document.components.schemas)]
    .filter(([place]) => place.endsWith("/properties"))
    .flatMap(([place, fields]) =>
      Object.entries(fields as Record<string, JsonSchema>)
        .filter(([, field]) => !isDescribed(field))
        .map(([key]) => `${place}/${key}`)
    );
  deepEqual(silent, []);
});

Deno.test("every schema with a name says what it is", () => {
  const known = Object.entries(document.components.schemas);
  const silent = known.filter(([, schema]) => !isDescribed(schema)).map(([name]) => name);
  deepEqual(silent, []);
});

function isDescribed({ description }: JsonSchema): boolean {
  return typeof description === "string" && /\S/.test(description);
}

Deno.test("every code of an error is told under its status", () => {
  const { responses } = document.components;
  const untold = Object.entries(STATUS)
    .filter(([code]) => code !== "client_closed") // nobody is there to read of it
    .flatMap(([code, status]) =>
      ["openai", "ollama", "anthropic"].filter((dialect) =>
        !responses[`${dialect}-${status}`]?.description.includes(code)
      ).map((dialect) => `${code} in ${dialect}`)
    );
  deepEqual(untold, []);
});

for (
  const { path, method, dialect } of [
    { path: "/v1/chat/completions", method: "post", dialect: "openai" },
    { path: "/v1/messages", method: "post", dialect: "anthropic" },
    { path: "/api/chat", method: "post", dialect: "ollama" },
    { path: "/api/pull", method: "post", dialect: "ollama" },
    { path: "/api/admin/nodes", method: "get", dialect: "openai" },
  ]
) {
  Deno.test(`errors of ${path} are told as ${dialect} does`, () => {
    const { responses } = document.paths[path]![method]!;
    deepEqual(responses["500"], { $ref: `#/components/responses/${dialect}-500` });
  });
}

Deno.test("unknown fields pass where the upstream reads the request", () => {
  const { OpenaiChatRequest, AnthropicRequest, OllamaChatRequest } = document.components.schemas;
  for (const schema of [OpenaiChatRequest, AnthropicRequest, OllamaChatRequest]) {
    notEqual(schema!["additionalProperties"], false);
  }
});
