import { deepEqual, equal, throws } from "node:assert/strict";
import { formatListenAddress, parseListenAddress } from "../../../lib/config/listen_address.ts";

for (
  const { text, hostname, port, written } of [
    { text: "127.0.0.1:11435", hostname: "127.0.0.1", port: 11_435 },
    { text: "8080", hostname: "127.0.0.1", port: 8080, written: "127.0.0.1:8080" },
    { text: " gateway.lan:80 ", hostname: "gateway.lan", port: 80, written: "gateway.lan:80" },
    { text: "[::1]:0", hostname: "::1", port: 0 },
    { text: "[::]:11435", hostname: "::", port: 11_435 },
  ]
) {
  Deno.test(`parseListenAddress() reads "${text}"`, () => {
    const address = parseListenAddress(text);
    deepEqual(address, { hostname, port });
    equal(formatListenAddress(address), written ?? text);
  });
}

for (
  const text of ["", "localhost", ":8080", "::1:80", "1.2.3.4:65536", "http://x:1", "a b:1", "x:-1", "[x]:1"]
) {
  Deno.test(`parseListenAddress() refuses "${text}"`, () => {
    throws(() => parseListenAddress(text), RangeError);
  });
}
