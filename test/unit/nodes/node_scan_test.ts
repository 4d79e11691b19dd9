import { deepEqual, equal, rejects } from "node:assert/strict";
import { longestNodeScanMs, type NodeScanOptions, scanForNodes } from "../../../lib/nodes/node_scan.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeNodeHttp } from "../../fakes/fake_node_http.ts";

function scan(http: FakeNodeHttp, options: Partial<NodeScanOptions> = {}) {
  const { signal } = new AbortController();
  return scanForNodes(["10.0.0.1"], { http, signal, clock: new FakeClock(), ...options });
}

Deno.test("a scan finds Ollamas, tells what else answers, and counts who does not", async () => {
  const http = new FakeNodeHttp();
  http.set(1, { tags: ["a", "b"] });
  http.set(2, { version: { status: 200, text: "<html>" } });
  http.set(3, { as: "refused" });
  http.set(4, { version: { text: "", headers: [["x-sollol-request-id", "r"]] } });
  const told: string[] = [];
  const { found, askedCount, unansweredCount } = await scan(http, {
    ports: [1, 2, 3, 4, 1],
    onFound: ({ url }) => told.push(url),
    onProgress: (doneCount, totalCount) => told.push(`${doneCount}/${totalCount}`),
  });
  deepEqual(found.map(({ url, isUp, version, modelCount }) => [url, isUp, version, modelCount]), [
    ["http://10.0.0.1:1", true, "0.33.0", 2],
    ["http://10.0.0.1:2", false, undefined, undefined],
    ["http://10.0.0.1:4", false, undefined, undefined],
  ]);
  deepEqual([askedCount, unansweredCount], [4, 1]);
  deepEqual(told.filter((one) => one.startsWith("http")).toSorted(), found.map(({ url }) => url));
  deepEqual(told.filter((one) => one.includes("/4")), ["1/4", "2/4", "3/4", "4/4"]);
});

Deno.test("a scan asks port 11434 if no other is said, and nothing but what an Ollama is and holds", async () => {
  const http = new FakeNodeHttp();
  await scan(http);
  deepEqual(http.asked.toSorted(), ["11434 /api/ps", "11434 /api/tags", "11434 /api/version"]);
});

Deno.test("a scan asks nobody at addresses where no node may be", async () => {
  const http = new FakeNodeHttp();
  const { signal } = new AbortController();
  const { askedCount } = await scanForNodes(["169.254.169.254", "169.254.1.1"], { http, signal });
  deepEqual([askedCount, http.asked], [0, []]);
});

Deno.test("a scan waits for nobody for longer than it is told, nor for more than 64 at once", async () => {
  const http = new FakeNodeHttp();
  http.set(11_434, { as: "silent" });
  const clock = new FakeClock();
  const addresses = Array.from({ length: 70 }, (_, at) => `10.0.0.${at}`);
  const { signal } = new AbortController();
  const scanning = scanForNodes(addresses, { http, signal, clock, timeoutMs: 300 });
  equal(http.asked.length, 64);
  for (let round = 0; round < 2; round++) {
    clock.advance(300);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { found, unansweredCount } = await scanning;
  deepEqual([found, unansweredCount, http.asked.length], [[], 70, 70]);
  equal(longestNodeScanMs(70, 300), 600);
});

Deno.test("a scan ends with its signal", async () => {
  const http = new FakeNodeHttp();
  http.set(11_434, { as: "silent" });
  const stop = new AbortController();
  const scanning = scan(http, { signal: stop.signal });
  stop.abort(new Error("enough"));
  await rejects(scanning, /enough/);
});
