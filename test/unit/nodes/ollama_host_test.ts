import { equal, throws } from "node:assert/strict";
import { parseOllamaHost } from "../../../lib/nodes/ollama_host.ts";

for (
  const [text, want] of [
    ["", "http://127.0.0.1:11434"],
    ["1.2.3.4", "http://1.2.3.4:11434"],
    [":1234", "http://127.0.0.1:1234"],
    ["1.2.3.4:1234", "http://1.2.3.4:1234"],
    ["example.com", "http://example.com:11434"],
    ["http://1.2.3.4", "http://1.2.3.4:80"],
    ["https://1.2.3.4", "https://1.2.3.4:443"],
    ["https://1.2.3.4:443", "https://1.2.3.4:443"],
    ["https://example.com/ollama", "https://example.com:443/ollama"],
    ["example.com:1234/", "http://example.com:1234"],
    ["0.0.0.0", "http://127.0.0.1:11434"],
    ["0.0.0.0:11500", "http://127.0.0.1:11500"],
    ["::1", "http://[::1]:11434"],
    ["[::1]", "http://[::1]:11434"],
    ["[::1]:1337", "http://[::1]:1337"],
    ["[::]:1337", "http://127.0.0.1:1337"],
    ["1.2.3.4:", "http://1.2.3.4:11434"],
    ["1.2.3.4:66000", "http://1.2.3.4:11434"],
    ["1.2.3.4:-1", "http://1.2.3.4:11434"],
    ["1.2.3.4:0", "http://1.2.3.4:11434"],
    ["http://1.2.3.4:x", "http://1.2.3.4:80"],
    ['"1.2.3.4"', "http://1.2.3.4:11434"],
    [" ' 1.2.3.4 ' ", "http://1.2.3.4:11434"],
  ] as const
) {
  Deno.test(`parseOllamaHost() reads ${JSON.stringify(text)} as Ollama does`, () => {
    equal(parseOllamaHost(text), want);
  });
}

for (
  const text of ["tcp://1.2.3.4", "http://a:b@c", "169.254.169.254", "a b", "a\nb", "http://a?x"]
) {
  Deno.test(`parseOllamaHost() refuses ${JSON.stringify(text)}`, () => {
    throws(() => parseOllamaHost(text), RangeError);
  });
}
