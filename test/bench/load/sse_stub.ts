/**
 * A model's stream without a model: `x-count` events of about 180 bytes, one each `x-interval-ms`; each
 * carries the moment it was sent (µs) so that a reader on the same host can tell how late it came.
 * Usage: sse_stub.ts PORT MODELS_JSON
 */
const [port, models] = Deno.args;
const encoder = new TextEncoder();

function events(count: number, intervalMs: number): ReadableStream<Uint8Array> {
  let sent = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream({
    start(controller) {
      const send = () => {
        if (sent++ < count) return controller.enqueue(encoder.encode(event(sent)));
        clearInterval(timer);
        controller.enqueue(encoder.encode("data: [DONE]\n\n"));
        controller.close();
      };
      send();
      timer = setInterval(send, intervalMs);
    },
    cancel: () => clearInterval(timer),
  });
}

function event(index: number): string {
  const sentUs = Math.round((performance.timeOrigin + performance.now()) * 1_000);
  return `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"stub","sent_us":${sentUs},` +
    `"choices":[{"index":0,"finish_reason":null,"delta":{"content":" word ${index}"}}]}\n\n`;
}

if (import.meta.main) {
  Deno.serve({ hostname: "127.0.0.1", port: Number(port), onListen: () => {} }, async (request) => {
    if (request.method === "GET") {
      return new Response(models, { headers: { "content-type": "application/json" } });
    }
    const { x_count = 50, x_interval_ms = 5 } = await request.json();
    return new Response(events(x_count, x_interval_ms), { headers: { "content-type": "text/event-stream" } });
  });
}
