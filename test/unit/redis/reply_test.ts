import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { type ByteSource, readReply, RedisError } from "../../../lib/redis/reply.ts";

/** All the bytes that will ever come. */
function sourceOf(text: string): ByteSource & { unread: Uint8Array } {
  const source = {
    unread: new TextEncoder().encode(text),
    readLine() {
      const end = source.unread.findIndex((byte, index) => byte === 13 && source.unread[index + 1] === 10);
      if (end < 0) return Promise.reject(new Error("no more bytes"));
      const line = new TextDecoder().decode(source.unread.subarray(0, end));
      source.unread = source.unread.subarray(end + 2);
      return Promise.resolve(line);
    },
    readBytes(count: number) {
      if (count > source.unread.byteLength) return Promise.reject(new Error("no more bytes"));
      const bytes = source.unread.slice(0, count);
      source.unread = source.unread.subarray(count);
      return Promise.resolve(bytes);
    },
  };
  return source;
}

for (
  const { name, text, reply } of [
    { name: "a status", text: "+OK\r\n", reply: "OK" },
    { name: "a number", text: ":-42\r\n", reply: -42 },
    { name: "a text", text: "$5\r\nh\r\nlo\r\n", reply: "h\r\nlo" },
    { name: "a text with its length in bytes", text: "$3\r\n€\r\n", reply: "€" },
    { name: "an empty text", text: "$0\r\n\r\n", reply: "" },
    { name: "no text", text: "$-1\r\n", reply: null },
    { name: "no list", text: "*-1\r\n", reply: null },
    { name: "an empty list", text: "*0\r\n", reply: [] },
    {
      name: "the answer to SCAN",
      text: "*2\r\n$2\r\n17\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n",
      reply: ["17", ["a", "b"]],
    },
  ]
) {
  Deno.test(`readReply() reads ${name}, and no byte of the next answer`, async () => {
    const source = sourceOf(`${text}+NEXT\r\n`);
    deepEqual(await readReply(source), reply);
    equal(await readReply(source), "NEXT");
    equal(source.unread.byteLength, 0);
  });
}

Deno.test("readReply() gives a refusal as a value", async () => {
  const reply = await readReply(sourceOf("-WRONGTYPE Operation against a key\r\n"));
  ok(reply instanceof RedisError);
  equal(reply.message, "WRONGTYPE Operation against a key");
});

for (
  const [name, text] of Object.entries({
    "an unknown type": "!5\r\nhello\r\n",
    "an empty line": "\r\n",
    "RESP3": "%1\r\n+a\r\n+b\r\n",
    "a number that is none": ":4x\r\n",
    "a length that is none": "$x\r\n",
    "a negative length": "$-2\r\n",
    "a length with a fraction": "$1.5\r\nab\r\n",
    "a text of more than 64 KiB": "$65537\r\n",
    "a text of more than all memory": "$999999999999999999999\r\n",
    "a list of more than 20,000": "*20001\r\n",
    "lists in lists in lists": "*1\r\n*1\r\n*1\r\n*1\r\n",
    "a text that is longer than it says": "$2\r\nabc\r\n",
  })
) {
  Deno.test(`readReply() refuses ${name}`, async () => {
    await rejects(() => readReply(sourceOf(text)), RangeError);
  });
}

Deno.test("readReply() refuses every answer that is cut off", async () => {
  const whole = "*2\r\n$2\r\n17\r\n*2\r\n$1\r\na\r\n-no\r\n";
  for (let length = 0; length < whole.length; length++) {
    await rejects(() => readReply(sourceOf(whole.slice(0, length))), `cut after ${length}`);
  }
});
