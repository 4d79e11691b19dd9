import { equal } from "node:assert/strict";
import { sha256 } from "../../lib/sha256.ts";

Deno.test("sha256() of text is that of its UTF-8", () => {
  const ofKey = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"; // printf key | sha256sum
  equal(sha256("key"), ofKey);
  equal(sha256(new TextEncoder().encode("schlüssel")), sha256("schlüssel"));
  equal(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});
