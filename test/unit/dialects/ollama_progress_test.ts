import { deepEqual, equal, ok } from "node:assert/strict";
import { MergedProgress, readProgress } from "../../../lib/dialects/ollama_progress.ts";
import { seededRandom } from "../../../lib/gguf/seeded_random.ts";

const SIZES = { "sha256:weights": 1_000, "sha256:template": 10 } as const;

/** What a node says of a pull, with `steps` lines a blob. */
function pullOf(steps: number): string[] {
  return [
    `{"status":"pulling manifest"}`,
    ...Object.entries(SIZES).flatMap(([digest, total]) =>
      Array.from(
        { length: steps + 1 },
        (_, step) =>
          JSON.stringify({
            status: `pulling ${digest}`,
            digest,
            total,
            completed: Math.floor(total * step / steps),
          }),
      )
    ),
    `{"status":"verifying sha256 digest"}`,
    `{"status":"writing manifest"}`,
    `{"status":"success"}`,
  ];
}

type Told = Record<string, unknown>;

/** Lets nodes speak in an order that a seed chooses; one may fail at some line. */
function play(seed: number, { failsAt }: { failsAt?: number } = {}) {
  const random = seededRandom(seed);
  const scripts = new Map(["a", "b", "c"].map((name, index) => [name, pullOf(index + 1)]));
  const merged = new MergedProgress([...scripts.keys()]);
  const told: Told[] = [];
  while (scripts.size > 0) {
    const names = [...scripts.keys()];
    const name = names[Math.floor(random() * names.length)]!;
    const script = scripts.get(name)!;
    const isOver = name === "b" && failsAt !== undefined && script.length === pullOf(2).length - failsAt;
    const line = isOver ? merged.fail(name, "disk full") : merged.push(name, readProgress(script.shift()!)!);
    if (line !== undefined) told.push(JSON.parse(line));
    if (isOver || script.length === 0) scripts.delete(name);
  }
  return { told, merged };
}

function blobsIn(told: readonly Told[]) {
  return Object.keys(SIZES).map((digest) => told.filter((line) => line["digest"] === digest));
}

Deno.test("in whatever order nodes speak, bytes never go back, and all of them come", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const { told, merged } = play(seed);
    for (const [at, lines] of blobsIn(told).entries()) {
      const size = Object.values(SIZES)[at]!;
      const completed = lines.map((line) => Number(line["completed"] ?? 0));
      deepEqual(completed, completed.toSorted((one, other) => one - other), `seed ${seed}`);
      equal(completed.at(-1), 3 * size, `seed ${seed}`);
      ok(lines.every((line) => line["total"] === 3 * size), `seed ${seed}`);
    }
    const statuses = told.filter((line) => line["digest"] === undefined).map((line) => line["status"]);
    deepEqual(statuses, ["pulling manifest", "verifying sha256 digest", "writing manifest"], `seed ${seed}`);
    deepEqual(merged.succeeded, ["a", "b", "c"]);
  }
});

Deno.test("wherever one node fails, bytes never go back, none are told beyond the whole, and the others end well", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const { told, merged } = play(seed, { failsAt: seed % pullOf(2).length });
    for (const lines of blobsIn(told)) {
      const completed = lines.map((line) => Number(line["completed"] ?? 0));
      deepEqual(completed, completed.toSorted((one, other) => one - other), `seed ${seed}`);
      ok(lines.every((line) => Number(line["completed"] ?? 0) <= Number(line["total"])), `seed ${seed}`);
    }
    deepEqual(merged.succeeded, ["a", "c"]);
    equal(told.some((line) => "error" in line || line["status"] === "success"), false);
    equal(told.filter(({ status }) => /^node b failed: disk full/.test(String(status))).length, 1);
  }
});

Deno.test("bytes that a node takes back are not", () => {
  const merged = new MergedProgress(["a", "b"]);
  const blob = (completed: number) =>
    readProgress(JSON.stringify({ status: "p", digest: "d", total: 9, completed }))!;
  equal(merged.push("a", blob(5)), `{"status":"p","digest":"d","total":18,"completed":5}`);
  equal(merged.push("a", blob(2)), undefined);
  equal(merged.push("a", blob(6)), `{"status":"p","digest":"d","total":18,"completed":6}`);
});

Deno.test("a node that tells of ever more blobs and states is not remembered for all of them", () => {
  const merged = new MergedProgress(["a", "b"]);
  const push = (name: string, said: unknown) => merged.push(name, readProgress(JSON.stringify(said))!);
  const blob = (at: number, completed: number) => ({ status: "p", digest: `d${at}`, total: 9, completed });
  const told = Array.from({ length: 1_500 }, (_, at) => push("a", blob(at, 1)));
  equal(told.filter((line) => line !== undefined).length, 1_000);
  equal(push("a", blob(999, 2)), `{"status":"p","digest":"d999","total":18,"completed":2}`);
  equal(push("b", blob(1_200, 2)), `{"status":"p","digest":"d1200","total":18,"completed":2}`);
  for (let at = 0; at < 1_500; at++) push("a", { status: `s${at}` });
  equal(push("b", { status: "s999" }), `{"status":"s999"}`);
  equal(push("b", { status: "s1000" }), undefined);
  const long = "x".repeat(1_001);
  for (const name of ["a", "b"]) equal(merged.push(name, readProgress(`{"status":"${long}"}`)!), undefined);
});

Deno.test("a node that has ended is not heard any more", () => {
  const merged = new MergedProgress(["a", "b"]);
  merged.push("a", readProgress(`{"status":"success"}`)!);
  equal(merged.fail("a", "late"), undefined);
  merged.fail("b", "early");
  equal(merged.push("b", readProgress(`{"status":"success"}`)!), undefined);
  deepEqual(merged.succeeded, ["a"]);
});

for (
  const { name, text, want } of [
    {
      name: "a status",
      text: `{"status":"writing manifest"}`,
      want: ["writing manifest", undefined, 0, 0, undefined],
    },
    {
      name: "a blob",
      text: `{"status":"p","digest":"d","total":5,"completed":2}`,
      want: ["p", "d", 5, 2, undefined],
    },
    { name: "an error", text: `{"error":"no"}`, want: ["", undefined, 0, 0, "no"] },
    {
      name: "figures that cannot be",
      text: `{"status":"p","digest":5,"total":-1,"completed":1e30}`,
      want: ["p", undefined, 0, 0, undefined],
    },
  ]
) {
  Deno.test(`${name} is read as progress`, () => {
    const line = readProgress(text)!;
    deepEqual([line.status, line.digest, line.totalBytes, line.completedBytes, line.error], want);
    equal(line.text, text);
  });
}

for (const text of ["", "null", "[]", "{}", "{", `"success"`, `{"status":5}`, "<html>"]) {
  Deno.test(`${text || "nothing"} is no progress`, () => equal(readProgress(text), undefined));
}
