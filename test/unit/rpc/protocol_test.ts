import { deepEqual, equal, throws } from "node:assert/strict";
import {
  encodeDeviceMemoryRequest,
  encodeHello,
  encodeLegacyHello,
  encodeProbe,
  formatVersion,
  isAcceptedByClient,
  isSameVersion,
  parseVersion,
} from "../../../lib/rpc/protocol.ts";

for (
  const { name, bytes, want } of [
    { name: "HELLO", bytes: encodeHello(), want: `0e 18${" 00".repeat(7 + 24)}` },
    { name: "the HELLO before 4.0", bytes: encodeLegacyHello(), want: `0e${" 00".repeat(8)}` },
    {
      name: "GET_DEVICE_MEMORY of device 258",
      bytes: encodeDeviceMemoryRequest(258),
      want: `0b 04${" 00".repeat(7)} 02 01 00 00`,
    },
    {
      name: "the whole probe",
      bytes: encodeProbe(),
      want: `0e 18${" 00".repeat(7 + 24)} 0f${" 00".repeat(8)} 0b 04${" 00".repeat(7)} 00 00 00 00`,
    },
  ]
) {
  Deno.test(`${name} is encoded as llama.cpp's own client does`, () => {
    equal(bytes.toHex(), want.replaceAll(" ", ""));
  });
}

Deno.test("parseVersion() reads what formatVersion() and the server's banner write", () => {
  const version = { major: 8, minor: 0, patch: 255 };
  equal(formatVersion(version), "8.0.255");
  deepEqual(parseVersion("8.0.255"), version);
  deepEqual(parseVersion("v8.0.255\n"), version);
});

for (const text of ["", "8", "8.0", "8.0.0.0", "8.0.256", "8.0.x", "-8.0.0"]) {
  Deno.test(`parseVersion() refuses ${JSON.stringify(text)}`, () => {
    throws(() => parseVersion(text), { name: "RangeError", message: /no version of the rpc protocol/ });
  });
}

for (
  const { server, isAccepted, isSame } of [
    { server: "5.1.2", isAccepted: true, isSame: true },
    { server: "5.1.3", isAccepted: true, isSame: false },
    { server: "5.0.2", isAccepted: true, isSame: false },
    { server: "5.2.2", isAccepted: false, isSame: false },
    { server: "4.1.2", isAccepted: false, isSame: false },
    { server: "6.1.2", isAccepted: false, isSame: false },
  ]
) {
  Deno.test(`a 5.1.2 client ${isAccepted ? "accepts" : "refuses"} ${server}, which is ${isSame ? "" : "not "}safe`, () => {
    const client = parseVersion("5.1.2");
    equal(isAcceptedByClient(client, parseVersion(server)), isAccepted);
    equal(isSameVersion(client, parseVersion(server)), isSame);
  });
}
