import { deepEqual, equal, throws } from "node:assert/strict";
import { formatEndpoint, parseEndpoint, parseNamedEndpoint } from "../../../lib/rpc/endpoint.ts";

for (
  const { text, want } of [
    { text: "192.168.1.20:50052", want: { host: "192.168.1.20", port: 50052 } },
    { text: "192.168.1.20", want: { host: "192.168.1.20", port: 50052 } },
    { text: "shelf-2.lan:1", want: { host: "shelf-2.lan", port: 1 } },
    { text: "rpc_backend:65535", want: { host: "rpc_backend", port: 65535 } },
    { text: " GPU.Local:50053\n", want: { host: "gpu.local", port: 50053 } },
    { text: "0xcafe.lan", want: { host: "0xcafe.lan", port: 50052 } },
  ]
) {
  Deno.test(`parseEndpoint() reads ${JSON.stringify(text)}, and formatEndpoint() writes what it reads back`, () => {
    deepEqual(parseEndpoint(text), want);
    deepEqual(parseEndpoint(formatEndpoint(want)), want);
  });
}

Deno.test("parseEndpoint() uses the default port that it is given", () => {
  equal(parseEndpoint("shelf", 60000).port, 60000);
});

for (
  const { text, why } of [
    { text: "", why: /it is empty/ },
    { text: "  ", why: /it is empty/ },
    { text: "http://shelf:50052", why: /has no scheme/ },
    { text: "[::1]:50052", why: /IPv4 only/ },
    { text: "::1", why: /IPv4 only/ },
    { text: "fe80::1%eth0", why: /IPv4 only/ },
    { text: "a:1,b:2", why: /lists several/ },
    { text: "shelf :50052", why: /contains a space/ },
    { text: "shelf:50052/v1", why: /longer than host:port/ },
    { text: "me@shelf", why: /longer than host:port/ },
    { text: "50052", why: /only a number/ },
    { text: ":50052", why: /host is missing/ },
    { text: "0.0.0.0:50052", why: /where a server listens/ },
    { text: "192.168.1.256", why: /no IPv4 address/ },
    { text: "192.168.1", why: /no IPv4 address/ },
    { text: "010.0.0.1", why: /no IPv4 address/ },
    { text: "shelf:0", why: /"0" is no port/ },
    { text: "shelf:65536", why: /"65536" is no port/ },
    { text: "shelf:", why: /"" is no port/ },
    { text: "shelf:+1", why: /"\+1" is no port/ },
    { text: "shelf:5e4", why: /"5e4" is no port/ },
    { text: "-shelf", why: /no host name/ },
    { text: "shelf..lan", why: /no host name/ },
    { text: "schön.lan", why: /no host name/ },
    { text: "x".repeat(64), why: /no host name/ },
  ]
) {
  Deno.test(`parseEndpoint() refuses ${JSON.stringify(text)} and says why`, () => {
    throws(() => parseEndpoint(text), { name: "RangeError", message: why });
  });
}

Deno.test("parseEndpoint() keeps its message short, however long the text", () => {
  throws(() => parseEndpoint("x".repeat(100_000)), (error: Error) => error.message.length < 400);
});

Deno.test("parseNamedEndpoint() takes what an operator may name", () => {
  for (const text of ["shelf", "127.0.0.1:1", "10.0.0.1"]) {
    deepEqual(parseNamedEndpoint(text), parseEndpoint(text));
  }
  throws(() => parseNamedEndpoint("::1"), { name: "RangeError", message: /IPv4 only/ });
});

for (const text of ["169.254.1.1", "169.254.169.254:50052", "0xa9fea9fe", "metadata.google.internal:80"]) {
  Deno.test(`parseNamedEndpoint() refuses ${text}, and says what to do`, () => {
    throws(() => parseNamedEndpoint(text), {
      name: "RangeError",
      message:
        /^Cannot use ".*" as the endpoint of an rpc backend: it is .*; name an address of your own network/,
    });
  });
}
