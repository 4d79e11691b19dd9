import { deepEqual, throws } from "node:assert/strict";
import { parsePlacement } from "../../../lib/config/placement_setting.ts";

for (
  const { text, want } of [
    { text: "auto", want: "auto" },
    { text: " even ", want: "even" },
    { text: "A:1=3", want: { layers: { "a:1": 3 } } },
    {
      text: "gpu=30, gpu/1=30, ram:50053=20",
      want: { layers: { "gpu:50052": 30, "gpu:50052/1": 30, "ram:50053": 20 } },
    },
    { text: "a/0=0,b=8", want: { layers: { "a:50052": 0, "b:50052": 8 } } },
  ]
) Deno.test(`parsePlacement() reads "${text}"`, () => deepEqual(parsePlacement(text), want));

for (
  const { text, why } of [
    { text: "", why: /must be auto, even, or layers by backend/ },
    { text: "fair", why: /must be auto/ },
    { text: "a=3,", why: /must be auto/ },
    { text: "a=-1", why: /must be auto/ },
    { text: "a=513", why: /must be auto/ },
    { text: "a=3=4", why: /must be auto/ },
    { text: "a/x=3", why: /must be auto/ },
    { text: "a/0/1=3", why: /must be auto/ },
    { text: "[::1]:5=3", why: /IPv4 only/ },
    { text: "a:0=3", why: /is no port/ },
    { text: "a=3,A:50052/0=4", why: /names "a:50052" twice/ },
  ]
) Deno.test(`parsePlacement() refuses "${text}"`, () => throws(() => parsePlacement(text), why));
