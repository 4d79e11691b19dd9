import { deepEqual, rejects } from "node:assert/strict";
import { readUpload } from "../../../routes/read_upload.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const HEAD = `--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n` +
  `--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n`;

/** An upload whose parts come when the test gives them. */
function beginUpload() {
  const clock = new FakeClock();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const headers = { "content-type": "multipart/form-data; boundary=x" };
  const request = new Request("http://a/", { method: "POST", headers, body: readable });
  const discarded: string[] = [];
  const answer = readUpload(request, {
    maxFileBytes: 1_000,
    clock,
    keep: async (_name, content) => await new Response(content).text(),
    check: () => {},
    discard: (kept) => void discarded.push(kept),
  });
  const settled = answer.catch(() => {}); // each test reads the answer itself, some of them late
  /** Resolves when it was read. */
  const send = async (text: string) => {
    await writer.write(new TextEncoder().encode(text));
    await writer.ready;
  };
  return { clock, answer, settled, discarded, send, writer };
}

/** Whatever is on its way by promises alone has arrived. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

Deno.test("an upload of which something comes every 29 s is kept", async () => {
  const { clock, answer, send, writer } = beginUpload();
  for (const text of [HEAD, "a", "b", "c", "\r\n--x--\r\n"]) {
    await send(text);
    await turn();
    clock.advance(29_000);
  }
  await writer.close();
  deepEqual(await answer, "abc");
});

Deno.test("an upload of which nothing comes for 30 s is given up", async () => {
  const { clock, answer, settled, discarded, send, writer } = beginUpload();
  const left = writer.closed.catch((reason) => reason);
  await send(`${HEAD}abc`);
  await turn();
  clock.advance(30_000);
  await settled;
  await rejects(answer, { code: "request_timeout", message: /nothing of it came for 30\.0 s/ });
  deepEqual(discarded, []);
  await left; // the rest is not waited for
});
