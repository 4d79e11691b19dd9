import { equal } from "node:assert/strict";
import { formatNotice, type Notice } from "../../../lib/service/notice.ts";

const cases: readonly { name: string; notice: Notice; want: string }[] = [
  { name: "is empty if there is nothing to tell", notice: {}, want: "" },
  {
    name: "tells readiness with a sentence",
    notice: { ready: true, status: "serves" },
    want: "READY=1\nSTATUS=serves",
  },
  {
    name: "tells when a reload began",
    notice: { reloading: { atUsec: 58_117_010_000 } },
    want: "RELOADING=1\nMONOTONIC_USEC=58117010000",
  },
  {
    name: "tells a reload also where nobody knows the time",
    notice: { reloading: { atUsec: undefined } },
    want: "RELOADING=1",
  },
  { name: "tells the end", notice: { stopping: true, status: "ends" }, want: "STOPPING=1\nSTATUS=ends" },
  { name: "tells that we live", notice: { watchdog: true }, want: "WATCHDOG=1" },
  { name: "clears the sentence", notice: { status: "" }, want: "STATUS=" },
  {
    name: "lets no sentence begin another field",
    notice: { status: "node a\nMAINPID=1\r\0b is down\n" },
    want: "STATUS=node a MAINPID=1 b is down",
  },
];

for (const { name, notice, want } of cases) {
  Deno.test(`a notice ${name}`, () => equal(formatNotice(notice), want));
}

Deno.test("a notice of a very long sentence stays short", () => {
  const text = formatNotice({ status: "x".repeat(100_000) });
  equal(text, `STATUS=${"x".repeat(399)}…`);
});
