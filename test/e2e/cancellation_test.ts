import { equal, ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { createShardedBed, MODELS } from "./clients/compat_bed.ts";
import { eventually } from "./eventually.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const llamaTest = await withLlamaCpp();

/**
 * llama-server looks for clients that have left once it had nothing to tell for a second, and each question about its slots
 * makes it begin that second anew. So it is left in peace, and asked once.
 */
const IN_PEACE_MS = 2_500;
/** A machine with much to do takes longer over the part of a prompt that it computes at a time. */
const MAX_LOOKS = 4;
const model = MODELS.tools;

/** How each dialect asks for an answer that goes on as long as there is room for it; as many as there are slots. */
const ASKED: Readonly<Record<string, (text: string) => Record<string, unknown>>> = {
  "/v1/chat/completions": (content) => ({ messages: [{ role: "user", content }], ignore_eos: true }),
  "/v1/messages": (content) => ({ messages: [{ role: "user", content }], ignore_eos: true }),
  "/api/chat": (content) => ({ messages: [{ role: "user", content }] }),
  "/api/generate": (prompt) => ({ prompt }),
};

for (
  const { phase, stream, text, isAnswered } of [
    { phase: "amid its stream", stream: true, text: "Tell", isAnswered: true },
    { phase: "amid its whole answer", stream: false, text: "Tell", isAnswered: false },
    { phase: "while its prompt is read", stream: true, text: " who".repeat(1_500), isAnswered: false },
  ]
) {
  llamaTest(`llama-server works for no client that left ${phase}, in any dialect`, async (programs) => {
    await using bed = await createShardedBed(programs);
    const ask = (path: string, body: Record<string, unknown>, signal?: AbortSignal) =>
      fetch(`${bed.url}${path}`, {
        method: "POST",
        body: JSON.stringify({ model, ...body }),
        ...(signal && { signal }),
      });
    equal((await (await ask("/api/generate", {})).json()).done_reason, "load");
    const clients = new AbortController();
    const answers = Object.entries(ASKED).map(([path, body]) =>
      ask(path, { stream, ...body(text) }, clients.signal)
    );
    const left = Promise.allSettled(answers);
    await eventually("all are worked at", async () => await bed.workCount() === answers.length);
    const bodies = isAnswered ? (await Promise.all(answers)).map(({ body }) => body!.getReader()) : [];
    await Promise.all(bodies.map((body) => body.read()));
    clients.abort();
    await left;
    for (let looks = 1;; looks++) {
      await delay(IN_PEACE_MS);
      const busyCount = await bed.workCount();
      if (busyCount === 0) break;
      ok(looks < MAX_LOOKS, `${busyCount} slots are at work ${looks * IN_PEACE_MS} ms later`);
    }
  });
}
