import { deepEqual, equal, rejects } from "node:assert/strict";
import type { HttpBody } from "../../../lib/http/client.ts";
import { HeardBody } from "../../../lib/router/heard_body.ts";

function bodyOf(...pieces: (string | null | Error)[]): HttpBody & { isCancelled: boolean } {
  const next = (): Promise<string | null> => {
    const piece = pieces.shift() ?? null;
    return piece instanceof Error ? Promise.reject(piece) : Promise.resolve(piece);
  };
  const bytes = async () => new TextEncoder().encode(await next() ?? "");
  return {
    framing: "chunked",
    ended: "open",
    trailers: [["a", "b"]],
    isCancelled: false,
    read: async () => {
      const piece = await next();
      return piece === null ? null : new TextEncoder().encode(piece);
    },
    bytes,
    text: async () => await next() ?? "",
    cancel() {
      this.isCancelled = true;
    },
  };
}

for (
  const { name, read, want } of [
    {
      name: "read()",
      read: async (body: HttpBody) => new TextDecoder().decode((await body.read())!),
      want: "x",
    },
    {
      name: "bytes()",
      read: async (body: HttpBody) => new TextDecoder().decode(await body.bytes(9)),
      want: "x",
    },
    { name: "text()", read: (body: HttpBody) => body.text(9), want: "x" },
  ]
) {
  Deno.test(`HeardBody.${name} passes on what comes, and tells of it; not of what fails`, async () => {
    let count = 0;
    const body = new HeardBody(bodyOf("x", new Error("broken")), () => count++);
    deepEqual([await read(body), count], [want, 1]);
    await rejects(read(body), /broken/);
    equal(count, 1);
  });
}

Deno.test("a HeardBody is as the body that it stands for, and cancels it", () => {
  const inner = bodyOf();
  const body = new HeardBody(inner, () => {});
  body.cancel();
  deepEqual([body.framing, body.ended, body.trailers, inner.isCancelled], [
    "chunked",
    "open",
    [["a", "b"]],
    true,
  ]);
});
