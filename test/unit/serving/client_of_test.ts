import { equal } from "node:assert/strict";
import { clientOf } from "../../../lib/serving/client_of.ts";

for (
  const { address, want } of [
    { address: "192.168.1.20", want: "192.168.1.20" },
    { address: "::ffff:192.168.1.20", want: "192.168.1.20" },
    { address: "::FFFF:c0a8:0114", want: "192.168.1.20" },
    { address: "2001:db8:1:2:3:4:5:6", want: "2001:db8:1:2::/64" },
    { address: "2001:db8:1:2:ffff::9", want: "2001:db8:1:2::/64" },
    { address: "2001:db8::1", want: "2001:db8:0:0::/64" },
    { address: "fe80::1%eth0", want: "fe80:0:0:0::/64" },
    { address: "::1", want: "0:0:0:0::/64" },
    { address: "not: an address", want: "not: an address" },
    { address: "", want: "" },
  ]
) {
  Deno.test(`the client at ${JSON.stringify(address)} is ${want}`, () => equal(clientOf(address), want));
}
