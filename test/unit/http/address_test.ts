import { deepEqual, equal, throws } from "node:assert/strict";
import { formatAddress, hostOf, parseUpstreamUrl, type UpstreamAddress } from "../../../lib/http/address.ts";

const tcp = (hostname: string, port: number): UpstreamAddress => ({ transport: "tcp", hostname, port });

for (
  const { url, address, basePath = "", host, text = url } of [
    { url: "http://10.0.0.5:8080", address: tcp("10.0.0.5", 8080), host: "10.0.0.5:8080" },
    { url: "http://node1", address: tcp("node1", 80), host: "node1", text: "http://node1:80" },
    {
      url: "https://node1/llm/v2/",
      address: { ...tcp("node1", 443), tls: true },
      basePath: "/llm/v2",
      host: "node1",
      text: "https://node1:443",
    },
    { url: "https://node1:80", address: { ...tcp("node1", 80), tls: true }, host: "node1:80" },
    { url: "http://[fd00::1]:8080", address: tcp("fd00::1", 8080), host: "[fd00::1]:8080" },
    { url: "http://[::1]", address: tcp("::1", 80), host: "[::1]", text: "http://[::1]:80" },
    {
      url: "unix:/run/llama.sock",
      address: { transport: "unix", path: "/run/llama.sock" },
      host: "localhost",
    },
    {
      url: "unix:///run/a b%20.sock",
      address: { transport: "unix", path: "/run/a b%20.sock" },
      host: "localhost",
      text: "unix:/run/a b%20.sock",
    },
  ] as { url: string; address: UpstreamAddress; basePath?: string; host: string; text?: string }[]
) {
  Deno.test(`parseUpstreamUrl() reads ${url}, formatAddress() writes ${text}, hostOf() gives ${host}`, () => {
    deepEqual(parseUpstreamUrl(url), { address, basePath });
    equal(formatAddress(address), text);
    deepEqual(parseUpstreamUrl(text).address, address);
    equal(hostOf(address), host);
  });
}

for (
  const { url, says } of [
    { url: "", says: /not an upstream URL/ },
    { url: "node1:8080", says: /not an upstream URL/ },
    { url: "ftp://node1", says: /not an upstream URL/ },
    { url: "http://", says: /not an upstream URL/ },
    { url: "http://node1:65536", says: /not an upstream URL/ },
    { url: "http://node1:0", says: /port 0/ },
    { url: "http://me:secret@node1", says: /credentials/ },
    { url: "http://node1/v1?key=secret", says: /query/ },
    { url: "http://node1/#secret", says: /fragment/ },
    { url: "unix:run.sock", says: /absolute path/ },
    { url: "unix://host/run.sock", says: /absolute path/ },
    { url: `unix:/${"x".repeat(107)}`, says: /108 bytes; the limit is 107/ },
  ]
) {
  Deno.test(`parseUpstreamUrl() refuses ${JSON.stringify(url.slice(0, 40))}`, () => {
    throws(() => parseUpstreamUrl(url), (error: Error) => {
      return error instanceof RangeError && says.test(error.message) && !error.message.includes("secret");
    });
  });
}
