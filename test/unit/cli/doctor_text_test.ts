import { deepEqual, equal, match } from "node:assert/strict";
import { DoctorText, isUtf8, renderSummary } from "../../../lib/cli/doctor_text.ts";
import type { Report } from "../../../lib/doctor/check.ts";

const plain = (_role: string, text: string) => text;

function report(wish: Partial<Report> = {}): Report {
  return {
    name: "disk",
    group: "this machine",
    subject: undefined,
    result: "ok",
    seen: "5.0 GiB free",
    ...wish,
  };
}

function render(reports: readonly Report[], { columns = 80, isUtf8 = true } = {}): string {
  const text = new DoctorText({ paint: plain, columns, isUtf8 });
  return reports.map((one) => text.render(one)).join("");
}

Deno.test("a report is a heading for each group, a line for each check, and its cure below", () => {
  const bad = report({
    name: "backend",
    group: "rpc backends",
    subject: "gpu1:1",
    result: "fail",
    seen: "down",
    cure: "start it",
  });
  equal(
    render([report(), bad]),
    [
      "This machine",
      "  ✓ disk             5.0 GiB free",
      "",
      "Rpc backends",
      "  ✗ backend          gpu1:1: down",
      "                     → start it",
      "",
    ].join("\n"),
  );
});

Deno.test("llama.cpp is called as it is", () =>
  match(render([report({ group: "llama.cpp" })]), /^llama\.cpp\n/));

Deno.test("long texts are broken and stay below each other", () => {
  const long = report({ result: "warn", seen: "word ".repeat(30), cure: "cure ".repeat(30) });
  const lines = render([long], { columns: 60 }).split("\n");
  for (const line of lines) equal(line.length <= 62, true, line);
  match(lines[2]!, /^ {21}word/);
  match(lines.at(-2)!, /^ {23}cure/);
});

Deno.test("a terminal without UTF-8 gets ASCII alone", () => {
  const all = (["ok", "warn", "fail", "skip"] as const).map((result) =>
    report({ result, seen: "größer…", cure: "do" })
  );
  const text = render(all, { isUtf8: false });
  match(text, /^[\x20-\x7e\n]+$/);
  const marks = text.split("\n").flatMap((line) => /^ {2}(.) disk/.exec(line)?.[1] ?? []);
  deepEqual(marks, ["+", "!", "X", "-"]);
});

Deno.test("what comes from elsewhere cannot steer the terminal", () => {
  const text = render([report({ subject: "\x1b[2J", seen: "\x07" })]);
  equal(text.includes("\x1b") || text.includes("\x07"), false);
});

Deno.test("isUtf8() asks the locale, the strongest word first", () => {
  equal(isUtf8({ LANG: "de_DE.UTF-8" }), true);
  equal(isUtf8({ LANG: "C.utf8" }), true);
  equal(isUtf8({ LC_ALL: "C", LANG: "de_DE.UTF-8" }), false);
  equal(isUtf8({}), false);
});

Deno.test("the summary counts, the worst first", () => {
  const of = (...results: Report["result"][]) =>
    renderSummary(results.map((result) => report({ result })), plain).trim();
  equal(of("ok", "ok", "skip"), "All is well: 2 ok, 1 not looked at.");
  equal(of("ok", "warn", "fail", "fail"), "2 things do not work, 1 could be better; 1 ok.");
  equal(of("fail"), "1 thing does not work; 0 ok.");
});
