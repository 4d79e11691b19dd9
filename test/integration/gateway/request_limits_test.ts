import { deepEqual, equal, match } from "node:assert/strict";
import { GatewayBed } from "./gateway_bed.ts";

const DIALECTS = [
  { dialect: "OpenAI", path: "/v1/chat/completions", messageOf: (body: Said) => body.error.message },
  { dialect: "Ollama", path: "/api/chat", messageOf: (body: Said) => body.error },
  { dialect: "Anthropic", path: "/v1/messages", messageOf: (body: Said) => body.error.message },
];

// deno-lint-ignore no-explicit-any -- of three dialects
type Said = any;

for (const { dialect, path, messageOf } of DIALECTS) {
  Deno.test(`too long a head is 431 in ${dialect}'s words, and so are too many headers`, async () => {
    await using bed = await GatewayBed.open({ config: "limits: {header: 2KiB}" });
    const many = Object.fromEntries(Array.from({ length: 110 }, (_, index) => [`x-${index}`, "a"]));
    for (
      const { headers, query = "", want } of [
        { headers: { "x-long": "x".repeat(2_100) }, want: /more than 2\.0 KiB of address and headers/ },
        { headers: {}, query: `?${"x".repeat(2_100)}`, want: /more than 2\.0 KiB/ },
        { headers: many, want: /1[12]\d headers, and at most 100 are read/ },
      ] as { headers: Record<string, string>; query?: string; want: RegExp }[]
    ) {
      const response = await fetch(bed.url + path + query, { method: "POST", headers, body: "{}" });
      equal(response.status, 431);
      match(messageOf(await response.json()), want);
    }
    const response = await fetch(bed.url, { headers: { "x-long": "x".repeat(1_000) } });
    equal(await response.text(), "Ollama is running");
  });

  Deno.test(`a body of which nothing more comes is 408 in ${dialect}'s words`, async () => {
    await using bed = await GatewayBed.open({ config: "timeouts: {client_body: 100ms}" });
    for (const head of ["Content-Length: 1000", "Content-Length: 100000", "Transfer-Encoding: chunked"]) {
      const answer = await sendPart(bed.url, `POST ${path} HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n1\r\n{`);
      match(answer, /^HTTP\/1\.1 408 /);
      match(
        messageOf(JSON.parse(/\{.*\}/.exec(answer)![0])),
        /nothing of it came for/,
      );
    }
  });
}

Deno.test("a body that comes slowly, but comes, is taken", async () => {
  await using bed = await GatewayBed.open({ config: "timeouts: {client_body: 2s}" });
  const body = JSON.stringify({ model: "fake", messages: [{ role: "user", content: "x".repeat(400) }] });
  const pieces = body.match(/.{1,60}/g)!;
  const slowly = ReadableStream.from((async function* () {
    for (const piece of pieces) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      yield new TextEncoder().encode(piece);
    }
  })());
  const response = await fetch(`${bed.url}/v1/chat/completions`, { method: "POST", body: slowly });
  deepEqual([response.status, typeof await response.text()], [200, "string"]);
});

/** What comes back for the beginning of a request, until its body is whole or the connection ends. */
async function sendPart(url: string, text: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  await connection.write(new TextEncoder().encode(text));
  const chunk = new Uint8Array(64 * 1024);
  let answer = "";
  while (!/\r\n\r\n.*\}/s.test(answer)) {
    const count = await connection.read(chunk);
    if (count === null) break;
    answer += new TextDecoder().decode(chunk.subarray(0, count));
  }
  return answer;
}
