import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { commandLine, environmentLines, quotePath, quoteWord, verbatim } from "../../../systemd/quote.ts";
import { NASTY_WORDS, UNWRITABLE_TEXTS } from "../../fixtures/nasty_words.ts";

for (
  const { name, argv, want } of [
    {
      name: "leaves plain words alone",
      argv: ["/bin/a", "-p", "50052", "a=b:c,d"],
      want: "/bin/a -p 50052 a=b:c,d",
    },
    { name: "puts spaces into quotes", argv: ["/opt/my tools/a", "b c"], want: '"/opt/my tools/a" "b c"' },
    { name: "keeps an empty word", argv: ["/bin/a", "", "b"], want: '/bin/a "" b' },
    { name: "doubles percent signs", argv: ["/opt/100%/a", "%h"], want: '"/opt/100%%/a" "%%h"' },
    { name: "doubles dollars", argv: ["/bin/a", "$HOME", "${X}"], want: '/bin/a "$$HOME" "$${X}"' },
    {
      name: "has no variable put into anything where the program's path has a dollar",
      argv: ["/opt/$x/a", "$HOME"],
      want: ':"/opt/$x/a" "$HOME"',
    },
    { name: "escapes quotes and backslashes", argv: ["/bin/a", `"\\`], want: String.raw`/bin/a "\"\\"` },
    { name: "hides a lone semicolon", argv: ["/bin/a", ";", "b"], want: '/bin/a ";" b' },
  ]
) {
  Deno.test(`commandLine() ${name}`, () => equal(commandLine(argv), want));
}

for (
  const { name, argv } of [
    { name: "no program", argv: [] },
    { name: "a program without its path", argv: ["llama-server"] },
    { name: "a relative path", argv: ["./llama-server"] },
    { name: "a path that goes up", argv: ["/opt/../bin/a"] },
    { name: "a directory", argv: ["/opt/"] },
    { name: "a path with a double quote", argv: ['/opt/"/a'] },
    { name: "a path with a single quote", argv: ["/opt/'/a"] },
    { name: "a path with a backslash", argv: ["/opt/\\/a"] },
    { name: "a path that is longer than Linux allows", argv: [`/${"x".repeat(4_095)}`] },
  ]
) {
  Deno.test(`commandLine() refuses ${name}`, () => {
    throws(() => commandLine(argv), {
      name: "RangeError",
      message: /^Cannot write the program ".*" into a unit: /,
    });
  });
}

Deno.test("no writer lets a line break, a control character or broken Unicode through", () => {
  for (const text of UNWRITABLE_TEXTS) {
    const writers: (() => unknown)[] = [
      () => commandLine(["/bin/a", text]),
      () => commandLine([`/bin/${text}`]),
      () => quoteWord(text, "it"),
      () => quotePath(`/${text}`, "it"),
      () => verbatim(`a${text}b`, "it"),
      () => environmentLines({ NAME: text }),
    ];
    for (const write of writers) {
      throws(write, { name: "RangeError", message: /remove it$/ }, JSON.stringify(text));
    }
  }
});

Deno.test("a refusal shows the beginning of a long text only", () => {
  throws(
    () => quoteWord(`\n${"x".repeat(10_000)}`, "the name"),
    ({ message }: Error) => message.length < 300,
  );
});

Deno.test("every nasty word is read back from a command line as it was", () => {
  deepEqual(readCommandLine(commandLine(["/bin/a", ...NASTY_WORDS])), ["/bin/a", ...NASTY_WORDS]);
  deepEqual(readCommandLine(commandLine(["/opt/$x %h/a", ...NASTY_WORDS])), ["/opt/$x %h/a", ...NASTY_WORDS]);
});

Deno.test("so is any text that a unit can hold", () => {
  const word = fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) =>
    !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(text)
  );
  fc.assert(fc.property(fc.array(word), (words) => {
    deepEqual(readCommandLine(commandLine(["/bin/a", ...words])), ["/bin/a", ...words]);
  }));
});

Deno.test("environmentLines() keeps dollars, which mean nothing there", () => {
  deepEqual(environmentLines({ A: "$HOME", B_2: "50% of 'it'", _c: "" }), [
    'Environment="A=$HOME"',
    `Environment="B_2=50%% of 'it'"`,
    "Environment=_c=",
  ]);
});

for (const name of ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n"]) {
  Deno.test(`environmentLines() refuses the name ${JSON.stringify(name)}`, () => {
    throws(() => environmentLines({ [name]: "x" }), RangeError);
  });
}

for (
  const { path, want } of [
    { path: "/srv/models", want: "/srv/models" },
    { path: "/srv/a b", want: '"/srv/a b"' },
    { path: "/srv/a:b", want: '"/srv/a:b"' },
    { path: '/srv/"100%"\\', want: String.raw`"/srv/\"100%%\"\\"` },
    { path: "/srv/$HOME", want: '"/srv/$HOME"' },
  ]
) {
  Deno.test(`quotePath() writes ${path} as ${want}`, () => equal(quotePath(path, "a path"), want));
}

for (const path of ["", "models", "~/models", "/srv/../etc", "/..", "-/srv"]) {
  Deno.test(`quotePath() refuses ${JSON.stringify(path)}`, () => {
    throws(() => quotePath(path, "a path"), { name: "RangeError", message: /absolute/ });
  });
}

Deno.test("verbatim() only doubles percent signs", () => {
  equal(verbatim(`/a b/"c"\\d $HOME 5%`, "it"), `/a b/"c"\\d $HOME 5%%`);
});

for (const text of [" a", "a ", "a\u00a0", "a\\"]) {
  Deno.test(`verbatim() refuses ${JSON.stringify(text)}, whose end systemd would take off or read on from`, () => {
    throws(() => verbatim(text, "it"), RangeError);
  });
}

/** Reads a command line by the rules of systemd.service(5); specifiers and variables are all unknown. */
function readCommandLine(line: string): string[] {
  const isPlain = line.startsWith(":");
  const words = readWords(isPlain ? line.slice(1) : line).map((word) => {
    equal(/%/.test(word.replaceAll("%%", "")), false, `a specifier is left in ${word}`);
    return word.replaceAll("%%", "%");
  });
  return words.map((word, index) => {
    if (isPlain || index === 0) return word;
    equal(/\$/.test(word.replaceAll("$$", "")), false, `a variable is left in ${word}`);
    return word.replaceAll("$$", "$");
  });
}

/** Reads words by the rules of systemd.syntax(7), as far as they are used. */
function readWords(line: string): string[] {
  return Array.from(
    line.matchAll(/"((?:[^"\\]|\\["\\])*)"(?: |$)|([^\s"'\\;]+)(?: |$)/gu),
    ([, quoted, bare]) => {
      return bare ?? quoted!.replaceAll(/\\(["\\])/g, "$1");
    },
  );
}
