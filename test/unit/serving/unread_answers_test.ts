import { deepEqual } from "node:assert/strict";
import { unreadBytesByPort } from "../../../lib/serving/unread_answers.ts";

const TITLE =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

Deno.test("of the kernel's table, what the clients of a port have not taken counts, whatever the address", () => {
  const tables = [
    TITLE,
    "   0: 0100007F:2CAB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0",
    "   1: 0100007F:2CAB 0100007F:A001 01 00000400:00000000 01:00000014 00000000     0        0 2 1 0 20 4 30 10 -1",
    "   2: 0100007F:2CAB 0100007F:A002 01 00000000:00000005 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1",
    "   3: 0100007F:A003 0100007F:2CAB 01 00000800:00000000 00:00000000 00000000     0        0 4 1 0 20 4 30 10 -1",
    TITLE,
    "   0: 0000000000000000FFFF00000100007F:2CAB 0000000000000000FFFF00000100007F:A004 08 0000000A:00000000 01:00000014 00000000     0        0 5 1 0 20 4 30 10 -1",
    "   1: 0000000000000000FFFF00000100007F:2CAB 0000000000000000FFFF00000200007F:A001 01 00000001:00000000 01:00000014 00000000     0        0 6 1 0 20 4 30 10 -1",
    "   1: 00:2CAB garbage",
    "",
  ].join("\n");
  deepEqual(unreadBytesByPort(tables, 0x2cab), new Map([[0xa001, 0x400], [0xa004, 10]]));
  deepEqual(unreadBytesByPort("", 1), new Map());
});
