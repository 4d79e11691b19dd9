import { deepEqual, throws } from "node:assert/strict";
import { encodeSseJson, formatSseEvent } from "../../../lib/stream/sse_event.ts";
import { SseReader } from "../../../lib/stream/sse_reader.ts";

const encode = (text: string) => new TextEncoder().encode(text);

for (const data of ["", "a", "a\nb", "a\n\nb\n", " a", "data: x", ":", "{}"]) {
  Deno.test(`formatSseEvent() writes ${JSON.stringify(data)} so that it is read again`, () => {
    for (const type of ["message", "state"]) {
      const event = formatSseEvent({ type, data });
      deepEqual(new SseReader().push(encode(event + event)), [{ type, data }, { type, data }]);
    }
  });
}

Deno.test("formatSseEvent() lets no line of data pass for another field", () => {
  for (const end of ["\r", "\n", "\r\n"]) {
    const text = formatSseEvent({ type: "message", data: `a${end}event: forged${end}${end}data: b` });
    deepEqual(new SseReader().push(encode(text)), [{ type: "message", data: "a\nevent: forged\n\ndata: b" }]);
  }
  throws(() => formatSseEvent({ type: "a\ndata: b", data: "" }), TypeError);
});

Deno.test("encodeSseJson() writes a value in one line", () => {
  const value = { a: "b\r\nc", d: null };
  const [event, ...more] = new SseReader().push(encodeSseJson(value));
  deepEqual([event?.type, JSON.parse(event!.data), more], ["message", value, []]);
});
