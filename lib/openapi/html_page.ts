import { Html, html } from "./html.ts";
import type { JsonSchema, OpenApiDocument } from "./openapi_document.ts";
import { operationHtml } from "./operation_html.ts";
import { PAGE_STYLE } from "./page_style.ts";
import { anchorOf, fieldsHtml, kindHtml } from "./schema_html.ts";

/** A page for people that tells what a document does. Self-contained: nothing else is loaded, and nothing runs in it. */
export function htmlPage(document: OpenApiDocument): string {
  const { info, tags, components } = document;
  const page = html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${info.title} ${info.version}: what is served</title>
        <style>${new Html(PAGE_STYLE)}</style>
      </head>
      <body>
    <h1>${info.title} <small>${info.version}</small></h1>
    <p>${info.description}</p>
    <p>For programs: <a href="openapi.json">openapi.json</a></p>
    <nav>${tags.map(({ name }) =>
      html`<a href="#${slugOf(name)}">${name}</a>`
    )}<a href="#shapes">Shapes</a></nav>
    ${tags.map((tag) => groupHtml(tag, document))}
    <h2 id="shapes">Shapes</h2>
    <p>What requests and answers are made of.</p>
    ${Object.entries(components.schemas).map(([name, schema]) => shapeHtml(name, schema))}
      </body>
    </html>
  `;
  return page.text;
}

function groupHtml(tag: OpenApiDocument["tags"][number], { paths, components }: OpenApiDocument): Html {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => tags.includes(tag.name))
      .map(([method, operation]) => operationHtml({ method, path, operation, components }))
  );
  return html`
    <section>
    <h2 id="${slugOf(tag.name)}">${tag.name}</h2>
    <p>${tag.description}</p>
    ${operations}</section>
  `;
}

function shapeHtml(name: string, schema: JsonSchema): Html {
  const description = typeof schema["description"] === "string" ? schema["description"] : "";
  return html`
    <details id="${anchorOf(name)}">
    <summary><code>${name}</code> <small>${kindHtml(schema)}</small> ${description}</summary>
    ${fieldsHtml(schema)}</details>
  `;
}

function slugOf(name: string): string {
  return `about-${name.toLowerCase().replaceAll(" ", "-")}`;
}
