/**
 * A llama-server without a model: each answer is a stream of `COUNT` pieces, one each `INTERVAL_MS`, the first one after
 * `FIRST_MS`. Usage: llama_stub.ts PORT COUNT INTERVAL_MS FIRST_MS
 */
const [port, count, intervalMs, firstMs] = Deno.args.map(Number);
const encoder = new TextEncoder();

/** What a stream is made of. */
interface Words {
  readonly begin: string;
  readonly piece: string;
  readonly end: string;
}

const CHUNK = {
  created: 1_795_296_053,
  id: "chatcmpl-8XvMX2wxgBgg9JA34kLwfnp8N9Xs5kkY",
  model: "stub.gguf",
  system_fingerprint: "b11669-Debian",
  object: "chat.completion.chunk",
};
const CHAT: Words = {
  begin: chunk({ delta: { role: "assistant", content: null } }),
  piece: chunk({ delta: { content: " word" } }),
  end: `${chunk({ delta: {}, finish_reason: "stop" })}data: [DONE]\n\n`,
};
const MESSAGE: Words = {
  begin: event("message_start", {
    message: { id: "msg_1", type: "message", role: "assistant", content: [], model: "stub.gguf", usage: {} },
  }) + event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  piece: event("content_block_delta", { index: 0, delta: { type: "text_delta", text: " word" } }),
  end: event("content_block_stop", { index: 0 }) +
    event("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: {} }) +
    event("message_stop", {}),
};
const MODELS = JSON.stringify({ object: "list", data: [{ id: "stub", object: "model" }] });

function chunk(choice: Record<string, unknown>): string {
  const said = { choices: [{ finish_reason: null, index: 0, ...choice }], ...CHUNK };
  return `data: ${JSON.stringify(said)}\n\n`;
}

function event(type: string, said: Record<string, unknown>): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...said })}\n\n`;
}

function stream({ begin, piece, end }: Words): ReadableStream<Uint8Array> {
  let sentCount = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(begin + piece));
      timer = setInterval(() => {
        if (++sentCount < count!) return controller.enqueue(encoder.encode(piece));
        clearInterval(timer);
        controller.enqueue(encoder.encode(end));
        controller.close();
      }, intervalMs);
    },
    cancel: () => clearInterval(timer),
  });
}

if (import.meta.main) {
  Deno.serve({ hostname: "127.0.0.1", port: port!, onListen: () => {} }, async (request) => {
    if (request.method === "GET") {
      return new Response(MODELS, { headers: { "content-type": "application/json" } });
    }
    await request.body?.cancel();
    if (firstMs! > 0) await new Promise((resolve) => setTimeout(resolve, firstMs));
    const words = new URL(request.url).pathname === "/v1/messages" ? MESSAGE : CHAT;
    return new Response(stream(words), { headers: { "content-type": "text/event-stream" } });
  });
}
