import { deepEqual } from "node:assert/strict";
import { parseConnections } from "../../../lib/coordinator/sent_bytes.ts";

Deno.test("parseConnections() reads what ss says of each connection, as recorded from iproute2 6.1", () => {
  const text = Deno.readTextFileSync(new URL("../../fixtures/ss/loaded.txt", import.meta.url));
  deepEqual(parseConnections(text), [
    {
      inode: 4_097_241,
      remote: "127.0.0.4:41283",
      ackedBytes: 814_902,
      receivedBytes: 4_604,
      waitingBytes: 0,
    },
    {
      inode: 4_096_522,
      remote: "127.0.0.2:34707",
      ackedBytes: 982_800,
      receivedBytes: 2_388,
      waitingBytes: 0,
    },
    {
      inode: 4_096_525,
      remote: "127.0.0.3:43929",
      ackedBytes: 975_292,
      receivedBytes: 2_388,
      waitingBytes: 0,
    },
  ]);
});

Deno.test("parseConnections() leaves out what is not told, and what is no connection", () => {
  deepEqual(parseConnections(""), []);
  deepEqual(parseConnections("ss: invalid option -- 'e'\nUsage: ss [ OPTIONS ]\n"), []);
  const unsent = "0 0 10.0.0.1:1 10.0.0.2:2 ino:5 sk:1\n\t cubic bytes_received:9\n";
  const sent = "0      3047210 10.0.0.1:3 10.0.0.2:2 ino:6 sk:2\n\t cubic bytes_sent:9 bytes_acked:7\n";
  deepEqual(parseConnections(unsent + sent), [
    { inode: 6, remote: "10.0.0.2:2", ackedBytes: 7, receivedBytes: 0, waitingBytes: 3_047_210 },
  ]);
  deepEqual(parseConnections("\t bytes_acked:7\n"), []);
});
