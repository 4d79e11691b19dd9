import { deepEqual, equal, ok } from "node:assert/strict";
import { GatewayMetrics } from "../../../lib/metrics/gateway_metrics.ts";
import type { PoolView } from "../../../lib/pool/pooled.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { nodeView } from "../../fixtures/node_views.ts";
import { Counter, Histogram } from "../../../lib/metrics/series.ts";

Deno.test("a counter has a sample for each combination of labels, escaped as Prometheus wants", () => {
  const counter = new Counter("n_total", "How many.", ["a", "b"]);
  counter.increment("x", 1);
  counter.increment("x", 1);
  counter.increment('"\\\n', 2);
  equal(
    counter.render(),
    `# HELP n_total How many.\n# TYPE n_total counter\nn_total{a="x",b="1"} 2\nn_total{a="\\"\\\\\\n",b="2"} 1\n`,
  );
});

Deno.test("a histogram's buckets are cumulative, and a value on a bound is below it", () => {
  const histogram = new Histogram("t_seconds", "Time.", [0.1, 1]);
  for (const value of [0.1, 0.5, 7]) histogram.observe(value);
  equal(
    histogram.render(),
    `# HELP t_seconds Time.\n# TYPE t_seconds histogram\nt_seconds_bucket{le="0.1"} 1\nt_seconds_bucket{le="1"} 2\n` +
      `t_seconds_bucket{le="+Inf"} 3\nt_seconds_sum 7.6\nt_seconds_count 3\n`,
  );
});

Deno.test("rpc backends are told of as they are when they are asked for", () => {
  const views = [
    backendView("a:1", { freeBytes: 5 }),
    backendView("b:1", { health: "held", holder: "m", devices: [] }),
    backendView("c:1", { health: "held", devices: [] }),
  ];
  const lines = new GatewayMetrics({ backends: () => views }).render().split("\n").filter((line) =>
    /^sollol_rpc/.test(line)
  );
  deepEqual(lines, [
    'sollol_rpc_backend_usable{endpoint="a:1"} 1',
    'sollol_rpc_backend_usable{endpoint="b:1"} 1',
    'sollol_rpc_backend_usable{endpoint="c:1"} 0',
    'sollol_rpc_backend_free_bytes{endpoint="a:1",device="0"} 5',
  ]);
});

Deno.test("a request without an answer counts, but has no first byte and no load", () => {
  const metrics = new GatewayMetrics();
  metrics.began();
  metrics.began();
  metrics.ended({
    to: "none",
    outcome: "refused",
    status: 404,
    durationMs: 3,
    firstByteMs: undefined,
    loadMs: 0,
  });
  const lines = metrics.render().split("\n");
  for (
    const line of [
      `sollol_requests_total{to="none",outcome="refused",status="404"} 1`,
      "sollol_requests_in_flight 1",
      "sollol_request_duration_seconds_count 1",
      "sollol_first_byte_seconds_count 0",
      "sollol_load_wait_seconds_count 0",
    ]
  ) equal(lines.includes(line), true, line);
});

Deno.test("coordinators are told by model: whether they serve, their slots, who waits", () => {
  const view = {
    model: "a:latest",
    state: "ready",
    slotCount: 4,
    inFlightCount: 3,
    waitingCount: 2,
    restartCount: 1,
  };
  const metrics = new GatewayMetrics({ coordinators: () => [view as PoolView] });
  const lines = metrics.render().split("\n").filter((line) => line.startsWith("sollol_coordinator_"));
  deepEqual(lines, [
    'sollol_coordinator_ready{model="a:latest"} 1',
    'sollol_coordinator_slots{model="a:latest"} 4',
    'sollol_coordinator_slots_in_use{model="a:latest"} 3',
    'sollol_coordinator_waiting{model="a:latest"} 2',
    'sollol_coordinator_restarts{model="a:latest"} 1',
  ]);
});

Deno.test("evictions and recoveries are counted by model", () => {
  const metrics = new GatewayMetrics();
  const whose = { id: "c1", model: "a:latest" };
  metrics.happened({ ...whose, type: "evicted", forModel: "b:latest", because: "b is wanted" });
  metrics.happened({ ...whose, type: "recovered", attempt: 1, tookMs: 100 });
  metrics.happened({ ...whose, type: "recovered", attempt: 1, tookMs: 100 });
  const text = metrics.render();
  ok(text.includes('sollol_evictions_total{model="a:latest"} 1\n'));
  ok(text.includes('sollol_recoveries_total{model="a:latest"} 2\n'));
});

Deno.test("nodes are told by name: whether they can be used, their slots, their speed, what they served and failed", () => {
  const gpu = nodeView("gpu", { inFlightCount: 2, firstTokenMs: 250, servedCount: 7, failedCount: 1 });
  const broken = nodeView("broken", { breaker: "open" });
  const text = new GatewayMetrics({ nodes: () => [gpu, broken] }).render();
  for (
    const line of [
      `sollol_node_usable{node="gpu"} 1`,
      `sollol_node_usable{node="broken"} 0`,
      `sollol_node_slots{node="gpu"} 4`,
      `sollol_node_slots_in_use{node="gpu"} 2`,
      `sollol_node_first_token_seconds{node="gpu"} 0.25`,
      `sollol_node_served{node="gpu"} 7`,
      `sollol_node_failed{node="gpu"} 1`,
    ]
  ) {
    ok(text.includes(`\n${line}\n`), line);
  }
  ok(!text.includes(`first_token_seconds{node="broken"}`), "nobody measured it");
});
