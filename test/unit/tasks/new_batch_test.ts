import { deepEqual, equal, throws } from "node:assert/strict";
import { newBatch } from "../../../lib/tasks/new_batch.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const HOUR_MS = 3_600_000;

function make(
  changes: {
    completionWindow?: string;
    metadata?: Record<string, string>;
    purpose?: "batch" | "batch_output";
  },
) {
  const { purpose = "batch", ...wanted } = changes;
  return newBatch(
    { inputFileId: "file-a", endpoint: "/v1/embeddings", completionWindow: "24h", metadata: {}, ...wanted },
    { purpose, clock: new FakeClock(1_000), randomId: () => "x" },
  );
}

Deno.test("newBatch() begins with its lines to be looked at", () => {
  const { id, status, createdAtMs, expiresAtMs } = make({});
  deepEqual([id, status, createdAtMs, expiresAtMs], ["batch_x", "validating", 1_000, 1_000 + 24 * HOUR_MS]);
});

for (const [completionWindow, hours] of [["7d", 168], ["90m", 1.5], ["365d", 8_760]] as const) {
  Deno.test(`newBatch() gives ${completionWindow} to be completed`, () => {
    equal(make({ completionWindow }).expiresAtMs, 1_000 + hours * HOUR_MS);
  });
}

Deno.test("newBatch() keeps the window without the spaces around it", () => {
  equal(make({ completionWindow: " 24h " }).completionWindow, "24h");
});

const LONG = ["9".repeat(1_000_000), `24h${" ".repeat(35_000)}`];
for (const completionWindow of ["", "0s", "0.5ms", "366d", "-1h", "soon", "1e9h", ...LONG]) {
  Deno.test(`newBatch() refuses the window ${JSON.stringify(completionWindow.slice(0, 20))}`, () => {
    throws(() => make({ completionWindow }), { code: "invalid_request", field: "completion_window" });
  });
}

for (
  const { name, metadata } of [
    { name: "17 pairs", metadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, "v"])) },
    { name: "a key of 65 characters", metadata: { ["k".repeat(65)]: "v" } },
    { name: "a value of 513 characters", metadata: { k: "v".repeat(513) } },
  ]
) {
  Deno.test(`newBatch() refuses metadata with ${name}`, () => {
    throws(() => make({ metadata }), { code: "invalid_request", field: "metadata" });
  });
}

Deno.test("newBatch() refuses a file of results", () => {
  throws(() => make({ purpose: "batch_output" }), { code: "invalid_request", field: "input_file_id" });
});
