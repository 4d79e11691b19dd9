import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { formatRequestHead } from "../../../lib/http/request_head.ts";
import { writeStreamed } from "../../../lib/http/streamed_body.ts";

/** Takes what is written. */
class Sink {
  text = "";
  closedBecause: unknown;

  get isClosed(): boolean {
    return this.closedBecause !== undefined;
  }

  writeAll(bytes: Uint8Array): Promise<void> {
    this.text += new TextDecoder().decode(bytes);
    return Promise.resolve();
  }

  close(because: unknown): void {
    this.closedBecause ??= because;
  }
}

async function* pieces(...texts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield new TextEncoder().encode(text);
  }
}

for (
  const { name, texts, lengthBytes, want } of [
    { name: "of a known length is sent as it is", texts: ["ab", "", "c"], lengthBytes: 3, want: "abc" },
    {
      name: "of an unknown length is sent in chunks, none of them empty",
      texts: ["ab", "", "0123456789abcdef"],
      lengthBytes: undefined,
      want: "2\r\nab\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n",
    },
    { name: "that is empty ends", texts: [], lengthBytes: undefined, want: "0\r\n\r\n" },
  ]
) {
  Deno.test(`a body ${name}`, async () => {
    const sink = new Sink();
    await writeStreamed(sink, { pieces: pieces(...texts), lengthBytes });
    deepEqual([sink.text, sink.isClosed], [want, false]);
  });
}

for (const texts of [["ab"], ["abcd"]]) {
  Deno.test(`a body of ${texts[0]!.length} bytes that was to have 3 closes the connection`, async () => {
    const sink = new Sink();
    await writeStreamed(sink, { pieces: pieces(...texts), lengthBytes: 3 });
    match(String(sink.closedBecause), /was to have 3 bytes/);
  });
}

Deno.test("a body that fails closes the connection with its reason, and ends no chunk", async () => {
  const sink = new Sink();
  const left = new Error("left");
  await rejects(writeStreamed(sink, { pieces: pieces("ab", left), lengthBytes: undefined }), left);
  deepEqual([sink.text, sink.closedBecause], ["2\r\nab\r\n", left]);
});

Deno.test("the head tells how a body is framed", () => {
  const head = (lengthBytes: number | undefined) =>
    formatRequestHead({ method: "POST", target: "/", body: { lengthBytes, pieces: pieces() } }, "h", false);
  equal(head(5), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  equal(head(undefined), "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
});
