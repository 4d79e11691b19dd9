import { deepEqual } from "node:assert/strict";
import { parseAckedBytes } from "../../../lib/coordinator/sent_bytes.ts";

Deno.test("parseAckedBytes() reads what ss says of each connection, as recorded from iproute2 6.1", () => {
  const text = Deno.readTextFileSync(new URL("../../fixtures/ss/loaded.txt", import.meta.url));
  deepEqual(parseAckedBytes(text), [
    { inode: 4_097_241, ackedBytes: 814_902 },
    { inode: 4_096_522, ackedBytes: 982_800 },
    { inode: 4_096_525, ackedBytes: 975_292 },
  ]);
});

Deno.test("parseAckedBytes() leaves out what is not told, and what is no connection", () => {
  deepEqual(parseAckedBytes(""), []);
  deepEqual(parseAckedBytes("ss: invalid option -- 'e'\nUsage: ss [ OPTIONS ]\n"), []);
  const unsent = "0 0 10.0.0.1:1 10.0.0.2:2 ino:5 sk:1\n\t cubic bytes_received:9\n";
  const sent = "0 0 10.0.0.1:3 10.0.0.2:2 ino:6 sk:2\n\t cubic bytes_sent:9 bytes_acked:7\n";
  deepEqual(parseAckedBytes(unsent + sent), [{ inode: 6, ackedBytes: 7 }]);
  deepEqual(parseAckedBytes("\t bytes_acked:7\n"), []);
});
