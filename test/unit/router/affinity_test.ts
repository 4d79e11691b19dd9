import { equal } from "node:assert/strict";
import { ConversationAffinity } from "../../../lib/router/affinity.ts";

Deno.test("a conversation that goes on is led back to who answered it", () => {
  const affinity = new ConversationAffinity();
  affinity.remember("m", ["a", "b"], "gpu1");
  equal(affinity.find("m", ["a", "b", "c", "d"]), "gpu1");
});

Deno.test("the longest beginning counts, and of one beginning who answered it last", () => {
  const affinity = new ConversationAffinity();
  affinity.remember("m", ["a"], "gpu1");
  affinity.remember("m", ["a", "b"], "gpu2");
  affinity.remember("m", ["a"], "gpu3");
  equal(affinity.find("m", ["a", "b", "c"]), "gpu2");
  equal(affinity.find("m", ["a", "x"]), "gpu3");
});

Deno.test("another model has another cache, and what has no turns none at all", () => {
  const affinity = new ConversationAffinity();
  affinity.remember("m", ["a"], "gpu1");
  affinity.remember("m", [], "gpu2");
  equal(affinity.find("n", ["a"]), undefined);
  equal(affinity.find("m", []), undefined);
});

Deno.test("of very many conversations the ones heard of longest ago are forgotten", () => {
  const affinity = new ConversationAffinity();
  affinity.remember("m", ["first"], "gpu1");
  affinity.remember("m", ["kept"], "gpu1");
  for (let at = 0; at < 9_998; at++) affinity.remember("m", [`turn ${at}`], "gpu2");
  affinity.remember("m", ["kept"], "gpu1");
  affinity.remember("m", ["one more"], "gpu2");
  equal(affinity.find("m", ["first"]), undefined);
  equal(affinity.find("m", ["kept"]), "gpu1");
});
