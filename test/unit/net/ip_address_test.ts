import { deepEqual } from "node:assert/strict";
import * as net from "node:net";
import { isIP, isIPv4, isIPv6 } from "../../../lib/net/ip_address.ts";

const TEXTS = [
  ...["", "localhost", "a", ".", ":", "::", ":::", "%", "::%", "127.0.0.1", "0.0.0.0", "255.255.255.255"],
  ...[
    "256.0.0.1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4.",
    ".1.2.3.4",
    "01.2.3.4",
    "1.2.3.-4",
    "1.2.3.4\n",
    " 1.2.3.4",
  ],
  ...[
    "1.2.3.4%eth0",
    "::1",
    "1::",
    "1::2",
    "1::2::3",
    "1:::2",
    ":1::",
    "::1:",
    "fe80::1%eth0",
    "fe80::1%",
    "::1%a b",
  ],
  ...[
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8::",
  ],
  ...[
    "::1.2.3.4",
    "::ffff:1.2.3.4",
    "1:2:3:4:5:6:1.2.3.4",
    "1:2:3:4:5:6:7:1.2.3.4",
    "1.2.3.4::",
    "::1.2.3.4:1",
  ],
  ...["::FFFF", "::fffff", "::g", "::256.0.0.1", "[::1]", "::1%eth0%1", "2001:db8::192.168.0.1"],
];

for (const text of TEXTS) {
  Deno.test(`${JSON.stringify(text)} is an address, or none, as for Node`, () => {
    deepEqual(
      [isIPv4(text), isIPv6(text), isIP(text)],
      [net.isIPv4(text), net.isIPv6(text), net.isIP(text) !== 0],
    );
  });
}
