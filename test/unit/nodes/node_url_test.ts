import { equal, throws } from "node:assert/strict";
import { parseNodeUrl } from "../../../lib/nodes/node_url.ts";

for (
  const [text, want] of [
    ["shelf", "http://shelf:11434"],
    [" 192.168.1.10 ", "http://192.168.1.10:11434"],
    ["Shelf.LAN:8080", "http://shelf.lan:8080"],
    ["http://shelf", "http://shelf:80"],
    ["https://shelf", "https://shelf:443"],
    ["HTTPS://Shelf:8443/ollama/", "https://shelf:8443/ollama"],
    ["shelf/ollama", "http://shelf:11434/ollama"],
    ["0.0.0.0", "http://127.0.0.1:11434"],
    ["http://0.0.0.0:11500", "http://127.0.0.1:11500"],
    ["[::]:11434", "http://127.0.0.1:11434"],
    ["::1", "http://[::1]:11434"],
    ["[::1]", "http://[::1]:11434"],
    ["[fd00::7]:8080", "http://[fd00::7]:8080"],
    ["fd00::7", "http://[fd00::7]:11434"],
    ["0x7f000001:1", "http://127.0.0.1:1"],
  ] as const
) {
  Deno.test(`parseNodeUrl() reads "${text}"`, () => {
    equal(parseNodeUrl(text), want);
    equal(parseNodeUrl(want), want, "and what it writes");
  });
}

for (
  const [text, want] of [
    ["", 'Cannot use "" as an Ollama node: write a URL or host[:port], such as 192.168.1.10'],
    [
      "http://ada:hunter2@shelf",
      'Cannot use "http://***@shelf" as an Ollama node: it holds credentials; write its key as api_key instead',
    ],
    [
      "ada:hunter2@shelf:1",
      'Cannot use "***@shelf:1" as an Ollama node: it holds credentials; write its key as api_key instead',
    ],
    [
      "unix:/run/x.sock",
      'Cannot use "unix:/run/x.sock" as an Ollama node: it is a socket; name host and port',
    ],
    [
      "169.254.169.254",
      /it is 169\.254\.169\.254, where a cloud hands out its secrets; name an address of your own/,
    ],
    ["http://[fe80::1]/", /it is fe80::1, a link-local address/],
    ["http://0251.0376.1.1", /it is 169\.254\.1\.1, a link-local address/],
    ["ftp://shelf", /"ftp:\/\/shelf" is not an upstream URL/],
    ["shelf:0", /names port 0/],
    ["shelf:65536", /is not an upstream URL/],
    ["she lf", /a space or a control character/],
    ["a\nb", /a space or a control character/],
    ["shelf?x=1", /has a query or a fragment/],
    ["a".repeat(3_000), /has more than 2000 characters/],
    [`${"a".repeat(3_000)}@b`, /^Cannot use ".{0,90}" as an Ollama node: it has more than/],
  ] as const
) {
  Deno.test(`parseNodeUrl() refuses "${text.slice(0, 40)}"`, () => {
    throws(() => parseNodeUrl(text), (error) => {
      const { message } = error as RangeError;
      equal(error instanceof RangeError, true);
      equal(typeof want === "string" ? message === want : want.test(message), true, message);
      equal(/hunter/.test(message) || message.length > 2_200, false, message);
      return true;
    });
  });
}
