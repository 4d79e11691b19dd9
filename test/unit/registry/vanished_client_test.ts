import { equal } from "node:assert/strict";
import { hasVanished } from "../../../lib/registry/vanished_client.ts";

const [GATEWAY, WORKER] = ["0101A8C0", "0701A8C0"]; // 192.168.1.1 and .7, as the kernel writes them
const V6 = "0000000000000000FFFF0000";

/** Rows of `/proc/net/tcp`, each given by local and remote end and state. */
function table(...rows: string[]): string {
  const title =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  const rest =
    "00000000:00000000 00:00000000 00000000     0        0 4242 1 0000000000000000 20 4 30 10 -1\n";
  return title + rows.map((row, index) => `${String(index).padStart(4)}: ${row} ${rest}`).join("");
}

const report = `${GATEWAY}:2CAB ${WORKER}:9C40 01`;
const served = `${GATEWAY}:D431 ${WORKER}:C384 01`; // from port 54321 to 50052

for (
  const { name, rows, client = "192.168.1.1:54321", from = "192.168.1.7", vanished } of [
    { name: "one that this host's kernel knows no more has vanished", rows: [report], vanished: true },
    { name: "one that is connected has not", rows: [report, served], vanished: false },
    { name: "nor has one behind a dual-stack socket", rows: [report, `${V6}${served}`], vanished: false },
    {
      name: "one whose process has ended, and whose farewell does not arrive, has vanished",
      rows: [report, `${GATEWAY}:D431 ${WORKER}:C384 04`],
      vanished: true,
    },
    {
      name: "another client's connection does not stand for it",
      rows: [report, `${GATEWAY}:D432 ${WORKER}:C384 01`],
      vanished: true,
    },
    {
      name: "reports may come to a dual-stack socket",
      rows: [`${V6}${GATEWAY}:2CAB ${V6}${WORKER}:9C40 01`],
      vanished: true,
    },
    {
      name: "one on a third host is not judged",
      rows: [report],
      client: "192.168.1.9:54321",
      vanished: false,
    },
    {
      name: "nor one at an address that is ours, but that this worker does not reach us at",
      rows: [report, "010011AC:2CAB 020011AC:9C40 01"],
      client: "172.17.0.1:54321",
      vanished: false,
    },
    {
      name: "nor one within one host, which may be the end of a tunnel",
      rows: ["0100007F:2CAB 0100007F:9C40 01"],
      client: "127.0.0.1:54321",
      from: "127.0.0.1",
      vanished: false,
    },
    { name: "nobody is judged without tables", rows: [], vanished: false },
    {
      name: "nor by a report of which nothing is seen",
      rows: [report],
      from: "192.168.1.8",
      vanished: false,
    },
    { name: "what is no address is not judged", rows: [report], client: "x", vanished: false },
    { name: "nor what is no IPv4 address", rows: [report], client: "999.168.1.1:1", vanished: false },
    { name: "nor a worker at an IPv6 address", rows: [report], from: "fe80::1", vanished: false },
  ]
) {
  Deno.test(`hasVanished(): ${name}`, () => equal(hasVanished(table(...rows), client, from), vanished));
}
