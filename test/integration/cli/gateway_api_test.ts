import { deepEqual, rejects } from "node:assert/strict";
import { GatewayApi } from "../../../lib/cli/gateway_api.ts";
import { mergeConfig } from "../../../lib/config/merge.ts";
import type { PlanReport } from "../../../lib/planner/plan_report.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";

const report: PlanReport = {
  ...{ model: "big", architecture: "llama", fileType: "Q4_K_M", layerCount: 80 },
  ...{ contextSize: 4096, slotCount: 4, kvType: "f16", fits: false },
  ...{
    devices: [],
    endpoints: [],
    tensorSplit: [],
    hostBytes: 5,
    loadMs: null,
    because: "no room",
    reasons: [],
  },
  leftOut: [{ endpoint: "a:50052", health: "down", reason: "Nothing listens at a:50052" }],
  shortage: {
    ...{ needBytes: 9, freeBytes: 5, missingBytes: 4, fittingContextSize: 2048, fittingKvType: undefined },
    ...{ neededBackendBytes: 6, fittingFileBytes: undefined, fitsWithAuto: false },
  },
};

/** A gateway below a path, as behind a reverse proxy, that answers everything in one way. */
function serve(body: unknown) {
  const requests: { method: string; path: string; headers: Headers; body: unknown }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { method, url, headers } = request;
    requests.push({
      method,
      path: new URL(url).pathname,
      headers: new Headers(headers),
      body: await request.json(),
    });
    const text = JSON.stringify(body, (_key, value) => value === undefined ? null : value);
    return new Response(text, { headers: { "content-type": "application/json" } });
  });
  const url = `http://127.0.0.1:${server.addr.port}/sollol/`;
  return { url, requests, [Symbol.asyncDispose]: () => server.shutdown() };
}

function open(url: string): GatewayApi {
  return GatewayApi.of({ gateway: url, token: "k" }, mergeConfig({}).config, new FakeCliHost());
}

Deno.test("GatewayApi.plan() sends the question as it is, and reads the report", async () => {
  await using gateway = serve(report);
  using api = open(gateway.url);
  deepEqual(await api.plan({ model: "big", slots: undefined, kv_type: "f16" }), report);
  const { method, path, headers, body } = gateway.requests[0]!;
  deepEqual([method, path, body], ["POST", "/sollol/api/admin/plan", { model: "big", kv_type: "f16" }]);
  deepEqual([headers.get("authorization"), headers.get("content-type")], ["Bearer k", "application/json"]);
});

Deno.test("GatewayApi.plan() refuses an answer that is no plan", async () => {
  await using gateway = serve({ ...report, devices: "everywhere" });
  using api = open(gateway.url);
  await rejects(api.plan({ model: "big" }), {
    name: "GatewayError",
    message: /answered 200 to POST \/api\/admin\/plan as no/,
  });
});
