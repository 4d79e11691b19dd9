import { deepEqual } from "node:assert/strict";
import { demoToJson } from "../../../lib/cli/demo_report.ts";

Deno.test("demoToJson() tells the layers of the model, not those that happened to be placed", () => {
  const chat = { answer: "a", tokenCount: 1, tokensPerSecond: 1, decision: "because", loadMs: 1 };
  const { layerCount, placement } = demoToJson({ url: "http://a", layerCount: 8, devices: [], chat });
  deepEqual([layerCount, placement], [8, []]);
});
