import { equal } from "node:assert/strict";
import { SpeedMeter } from "../../../lib/coordinator/speed_meter.ts";
import type { ServerSlot } from "../../../lib/llama_server/client.ts";

function slot(id: number, taskId: number, tokensDecoded: number, isProcessing = true): ServerSlot {
  const prompt = { promptTokens: 0, promptTokensCached: 0, promptTokensProcessed: 0 };
  return { id, taskId, tokensDecoded, isProcessing, ...prompt };
}

Deno.test("SpeedMeter adds up what all slots have generated since the look before", () => {
  const meter = new SpeedMeter();
  equal(meter.tokensPerSecondAt(0), 0);
  meter.take([slot(0, 1, 100), slot(1, 2, 7)], 1_000);
  equal(meter.tokensPerSecondAt(1_000), 0, "one look is no speed");
  meter.take([slot(0, 1, 140), slot(1, 2, 17)], 3_000);
  equal(meter.tokensPerSecondAt(3_000), 25);
});

Deno.test("SpeedMeter counts a new request from its first token on", () => {
  const meter = new SpeedMeter();
  meter.take([slot(0, 1, 500)], 1_000);
  meter.take([slot(0, 2, 30)], 2_000);
  equal(meter.tokensPerSecondAt(2_000), 30);
});

Deno.test("SpeedMeter says 0 while nothing is generated, and when nobody has looked for long", () => {
  const meter = new SpeedMeter();
  meter.take([slot(0, 1, 0)], 1_000);
  meter.take([slot(0, 1, 90)], 2_000);
  equal(meter.tokensPerSecondAt(12_000), 90);
  equal(meter.tokensPerSecondAt(12_001), 0);
  meter.take([slot(0, 1, 0, false)], 13_000);
  equal(meter.tokensPerSecondAt(13_000), 0);
});

Deno.test("SpeedMeter is not misled by counters that fall, nor by two looks at one moment", () => {
  const meter = new SpeedMeter();
  meter.take([slot(0, 1, 90)], 1_000);
  meter.take([slot(0, 1, 10)], 2_000);
  equal(meter.tokensPerSecondAt(2_000), 0);
  meter.take([slot(0, 1, 20)], 2_000);
  equal(meter.tokensPerSecondAt(2_000), 0);
});
