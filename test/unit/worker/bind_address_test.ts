import { deepEqual, equal, match, throws } from "node:assert/strict";
import { chooseBindAddress } from "../../../lib/worker/bind_address.ts";

for (const host of ["192.168.1.20", "10.0.0.1", "172.31.9.9", "127.0.0.1", "169.254.7.7", "100.64.0.5"]) {
  Deno.test(`chooseBindAddress() binds ${host}`, () => {
    deepEqual(chooseBindAddress(host), { host, advertised: host, warning: undefined });
  });
}

for (const host of ["8.8.8.8", "172.32.0.1", "100.128.0.1", "192.169.0.1", "255.255.255.255"]) {
  Deno.test(`chooseBindAddress() refuses ${host}: it is public`, () => {
    throws(() => chooseBindAddress(host), /public address, and the rpc protocol has no password/);
    throws(() => chooseBindAddress("192.168.1.20", host), /public address/);
    throws(() => chooseBindAddress("0.0.0.0", host), /public address/);
  });
}

for (const host of ["", "gpu1", "::1", "fe80::1", "1.2.3", "010.0.0.1", "10.0.0.256", "10.0.0.1:50052"]) {
  Deno.test(`chooseBindAddress() refuses "${host}": llama.cpp binds only IPv4 addresses`, () => {
    throws(() => chooseBindAddress(host), /it is no IPv4 address/);
  });
}

Deno.test("chooseBindAddress() binds all addresses only with one to tell, and says the danger", () => {
  throws(() => chooseBindAddress("0.0.0.0"), /add --advertise ADDRESS/);
  const { host, advertised, warning } = chooseBindAddress("0.0.0.0", "192.168.1.20");
  deepEqual([host, advertised], ["0.0.0.0", "192.168.1.20"]);
  match(warning!, /whoever reaches one can run code here/);
});

Deno.test("chooseBindAddress() tells a name where one is given", () => {
  equal(chooseBindAddress("192.168.1.20", "gpu1.lan").advertised, "gpu1.lan");
  equal(chooseBindAddress("localhost").host, "127.0.0.1");
});

Deno.test("chooseBindAddress() refuses to tell what no gateway can reach", () => {
  for (const advertised of ["", "gpu1:50052", "two words", "0.0.0.0", "::1", "http://gpu1"]) {
    throws(
      () => chooseBindAddress("192.168.1.20", advertised),
      /--advertise takes an IPv4 address or a host name/,
    );
  }
});
