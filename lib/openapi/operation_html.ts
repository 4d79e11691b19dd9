import { Html, html } from "./html.ts";
import type {
  JsonSchema,
  OpenApiAnswer,
  OpenApiContent,
  OpenApiDocument,
  OpenApiOperation,
  OpenApiParameter,
  OpenApiReference,
} from "./openapi_document.ts";
import { fieldsHtml, kindHtml, nameIn } from "./schema_html.ts";

const NOTHING = new Html("");

/** An operation that folds: its line, and all that it takes and gives. */
export function operationHtml(
  { method, path, operation, components }: {
    readonly method: string;
    readonly path: string;
    readonly operation: OpenApiOperation;
    readonly components: OpenApiDocument["components"];
  },
): Html {
  const { operationId, summary, description, security, requestBody, responses } = operation;
  const parameters = (operation.parameters ?? []).map((one) => known(one, components.parameters));
  return html`
    <details class="operation" id="${operationId}">
    <summary><b class="${method}">${method.toUpperCase()}</b> <code>${path}</code> ${summary}</summary>
    ${description === undefined ? NOTHING : html`<p>${description}</p>`}
    <p class="access">${security.length === 0 ? "Everybody may." : `Wants ${namesIn(security)}.`}</p>
    ${parameters.length === 0 ? NOTHING : html`
      <h4>Parameters</h4>
      <dl>${parameters.map(parameterHtml)}</dl>
    `}
    ${requestBody ? html`<h4>Request</h4>${contentHtml(requestBody.content, components)}` : NOTHING}
    <h4>Answers</h4>
    ${Object.entries(responses).map(([status, answer]) =>
      answerHtml(status, known(answer, components.responses), components)
    )}
    </details>
  `;
}

function namesIn(security: OpenApiOperation["security"]): string {
  const names = security.flatMap((one) => Object.keys(one)).map((name) => SCHEMES[name] ?? name);
  return names.join(" or ");
}

const SCHEMES: Readonly<Record<string, string>> = {
  bearer: "Authorization: Bearer KEY",
  apiKey: "x-api-key: KEY, where the operator has set keys",
  worker: "Authorization: Bearer TOKEN, where the operator has set one",
};

/** What is said in place, or what is referred to. */
function known<T extends object>(said: T | OpenApiReference, all: Readonly<Record<string, T>>): T {
  return "$ref" in said ? all[nameIn({ ...said })!]! : said;
}

function parameterHtml({ name, in: place, required, description, schema }: OpenApiParameter): Html {
  const mark = required
    ? html`
      <small>always</small>
    `
    : NOTHING;
  return html`
    <dt><code>${name}</code> <span>${place}, ${kindHtml(schema)}</span>${mark}</dt>
    <dd>${description}</dd>
  `;
}

/** Of an error, only its form is named. */
function answerHtml(status: string, answer: OpenApiAnswer, components: OpenApiDocument["components"]): Html {
  const { description, content } = answer;
  if (!content) return html`<p><b>${status}</b> ${description}</p>`;
  if (!status.startsWith("2")) {
    const [body] = Object.values(content);
    return html`<p><b>${status}</b> ${description} <span>${kindHtml(body!.schema)}</span></p>`;
  }
  return html`<p><b>${status}</b> ${description}</p>${contentHtml(content, components)}`;
}

function contentHtml(content: OpenApiContent, components: OpenApiDocument["components"]): Html {
  return html`${
    Object.entries(content).map(([type, { schema }]) =>
      html`<details><summary>${kindHtml(schema)} <small>${type}</small></summary>${
        fieldsHtml(resolved(schema, components))
      }</details>`
    )
  }`;
}

function resolved(schema: JsonSchema, { schemas }: OpenApiDocument["components"]): JsonSchema {
  const name = nameIn(schema);
  return name === undefined ? schema : schemas[name]!;
}
