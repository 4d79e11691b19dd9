import { deepEqual, equal, ok } from "node:assert/strict";
import { openapiDocument } from "../../../lib/openapi/document.ts";
import { html } from "../../../lib/openapi/html.ts";
import { htmlPage } from "../../../lib/openapi/html_page.ts";

const document = openapiDocument("1.2.3");
const page = htmlPage(document);
const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);

Deno.test("the page shows every operation, and every schema that has a name", () => {
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  const schemas = Object.keys(document.components.schemas);
  const wanted = [
    ...operations.map(({ operationId }) => operationId),
    ...schemas.map((name) => `schema-${name}`),
  ];
  deepEqual(wanted.filter((id) => !ids.includes(id)), []);
});

Deno.test("the page has no id twice, and every link on it leads somewhere", () => {
  equal(new Set(ids).size, ids.length);
  const links = [...page.matchAll(/ href="([^"]+)"/g)].map(([, link]) => link!);
  const lost = links.filter((link) => link !== "openapi.json" && !ids.includes(link.replace(/^#/, "")));
  deepEqual(lost, []);
});

Deno.test("the page loads nothing and runs nothing", () => {
  ok(!/<script|<link|<img|<iframe|\bsrc=|url\(|@import|\bon\w+="/i.test(page));
});

Deno.test("what opens on the page is closed", () => {
  for (
    const tag of ["details", "summary", "dl", "dt", "dd", "section", "div", "a", "span", "small", "code"]
  ) {
    const count = (pattern: string) => page.match(new RegExp(pattern, "g"))?.length ?? 0;
    equal(count(`<${tag}[ >]`), count(`</${tag}>`), tag);
  }
});

Deno.test("a field is shown with what it may be and what it means", () => {
  const { OpenaiChatRequest } = document.components.schemas;
  ok(/>OpenaiChatRequest</.test(page));
  ok(page.includes(String(OpenaiChatRequest!["description"])));
  ok(/<code>model<\/code> <span>text or null<\/span>/.test(page));
  ok(/list of <a href="#schema-OpenaiMessage">OpenaiMessage<\/a>/.test(page));
  ok(/<code>gpu<\/code>\s+or <code>cpu<\/code>/.test(page));
});

Deno.test("text never becomes markup", () => {
  const hostile = `<script>alert("x")</script>&'`;
  const told = htmlPage({ ...document, info: { ...document.info, description: hostile } });
  ok(told.includes("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;"));
  ok(!/<script/.test(told));
});

Deno.test("a template escapes text, and keeps pieces and numbers", () => {
  equal(html`<b>${"<"}${1}${[html`<i>${"&"}</i>`, "x"]}</b>`.text, "<b>&lt;1<i>&amp;</i>x</b>");
});
