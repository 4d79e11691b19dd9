import { deepEqual, rejects } from "node:assert/strict";
import { readBody } from "../../../routes/read_body.ts";

/** A body whose pieces are views of one buffer that each of them overwrites, as no piece is to be kept. */
function requestOf(text: string): Request {
  const buffer = new Uint8Array(64 * 1024);
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at === text.length) return controller.close();
      buffer[0] = text.charCodeAt(at++);
      controller.enqueue(buffer.subarray(0, 1));
    },
  }, { highWaterMark: 0 });
  return new Request("http://a/", { method: "POST", body });
}

Deno.test("a body that comes byte by byte is copied, not kept in 64 KiB a piece", async () => {
  const text = "0123456789".repeat(300);
  deepEqual(new TextDecoder().decode(await readBody(requestOf(text), 3_000)), text);
});

Deno.test("a body without a length is refused with the first byte that is too much", async () => {
  await rejects(readBody(requestOf("1234"), 3), { code: "too_large" });
});

Deno.test("an empty body is empty, and has no room behind it", async () => {
  const body = await readBody(requestOf(""), 3);
  deepEqual([body.byteLength, body.buffer.byteLength], [0, 0]);
});
