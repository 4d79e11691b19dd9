import { deepEqual, equal, match, ok } from "node:assert/strict";
import { OPERATIONS } from "../../../lib/openapi/operations/all_operations.ts";
import { coordinatorReport } from "../../fixtures/coordinator_reports.ts";
import { checkDocumented, operationFor, readAnswer } from "../../fixtures/documented_answers.ts";
import { EventReader } from "../../fixtures/event_reader.ts";
import { CoordinatorBed } from "./coordinator_bed.ts";
import { NodeRouteBed } from "./node_route_bed.ts";
import type { Ask, Place } from "./documented/ask.ts";
import { COORDINATORS, GUARDED, NODES } from "./documented/inference.ts";
import { EXTERNAL } from "./documented/llama_server.ts";
import { ADMIN, BATCHES, LOADED, PLANNED, REGISTERED } from "./documented/operators.ts";

/** All that is asked, by where. */
const PLACES: Readonly<Record<string, Place>> = {
  "over a node": NODES,
  "over a coordinator": COORDINATORS,
  "over a coordinator of others": EXTERNAL,
  "without its key": GUARDED,
  "of backends and workers": ADMIN,
  "of nodes": REGISTERED,
  "of coordinators": LOADED,
  "of plans and loads": PLANNED,
  "of batches": BATCHES,
};

const JSON_HEADERS = { "content-type": "application/json" };

for (
  const [where, { asks, open }] of Object.entries(PLACES)
) {
  Deno.test(`what is answered ${where} is as documented`, async (t) => {
    await using place = await open();
    for (const ask of asks) {
      const { method, path, body, status = 200 } = ask;
      await t.step(`${method} ${path} ${JSON.stringify(body ?? "")} ${status}`, async () => {
        const response = await fetch(place.url + path, requestOf(ask));
        const got = await readAnswer(method, path, response);
        equal(got.status, status, got.body);
        checkDocumented(got);
      });
    }
  });
}

function requestOf({ method, body, headers = {} }: Ask): RequestInit {
  if (body === undefined) return { method, headers: { ...JSON_HEADERS, ...headers } };
  if (body instanceof FormData) return { method, headers, body };
  return { method, headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify(body) };
}

Deno.test("events are as documented", async () => {
  await using bed = new CoordinatorBed();
  bed.admin.add(coordinatorReport("tiny"));
  await using events = new EventReader(await fetch(`${bed.url}/api/admin/events`));
  const first = await events.nextJson();
  equal(first!.type, "snapshot");
  const body = `data: ${JSON.stringify(first!.data)}\n\n`;
  checkDocumented({ method: "GET", path: "/api/admin/events", status: 200, type: "text/event-stream", body });
});

/** Asked elsewhere, with the reason. */
const NOT_ASKED_HERE: Readonly<Record<string, string>> = {
  watchEvents: "has no end, and a test of its own",
};

Deno.test("every operation that is documented is asked", () => {
  const asked = Object.values(PLACES).flatMap(({ asks }) => asks)
    .filter(({ status = 200 }) => status < 400)
    .map(({ method, path }) => operationFor(method, path)?.id);
  const missing = OPERATIONS.map(({ id }) => id).filter((id) =>
    !asked.includes(id) && !(id in NOT_ASKED_HERE)
  );
  deepEqual(missing, []);
});

Deno.test("the document and the page are there for everybody, and for no other site's frame", async () => {
  await using bed = await NodeRouteBed.open([{}], { config: "api_keys: [secret]" });
  const { status, body } = await bed.get("/openapi.json");
  deepEqual([status, body.openapi, body.info.version], [200, "3.1.1", "0.0.0-test"]);
  ok(!JSON.stringify(body).includes("secret"));
  const page = await fetch(`${bed.gateway.url}/docs`);
  equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  match(page.headers.get("content-security-policy")!, /default-src 'none'.*frame-ancestors 'none'/);
  ok((await page.text()).includes("/v1/chat/completions"));
});
