import { deepEqual } from "node:assert/strict";
import { mapConcurrently } from "../../lib/concurrent.ts";
import { faultOf } from "../fixtures/answer_faults.ts";
import { type BadBody, oddBodies, wrongTypes } from "../fixtures/bad_bodies.ts";
import { buildScriptedModel } from "../fixtures/scripted_model.ts";
import { inferenceRequests, type ValidRequest } from "../fixtures/valid_requests.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

const HANG_MS = 60_000;
/** Of the values of wrong types one in so many: to ask for them all takes minutes. */
const ONE_IN = 97;
/** What llama-server itself answers with 500. */
const KNOWN: ReadonlySet<string> = new Set([
  "messages.2.tool_calls.0.function.arguments.a = 1e400",
  "messages.2.tool_calls.0.function.arguments = text",
  "input.0.content.0.text = null",
  "tools.0.name = null",
]);

test("what a real llama-server cannot read is the client's fault, whatever it says itself", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1, models: [] });
  const small = { params: { num_ctx: 512 } };
  await bed.store.addModel("caller", buildScriptedModel("tools"), small);
  await bed.store.addModel("embedder", buildScriptedModel("embedding"), small);
  await using gateway = await bed.serve({ settings: { "nodes.local": false, "pool.max_coordinators": 2 } });
  await gateway.untilBackendsAreUp();
  const cases = inferenceRequests({ chat: "caller", embedding: "embedder" }).flatMap((request, index) =>
    [...everyThird(oddBodies(request.body), index % 3), ...someOf(wrongTypes(request.body))]
      .map((body) => [request, body] as const)
  );
  const complaints = await mapConcurrently(
    cases,
    8,
    ([request, body]) => complaintOf(gateway, request, body),
  );
  deepEqual(complaints.flat(), []);
  await gateway.stop();
  deepEqual(gateway.program.log.filter(({ level }) => level === "error"), []);
});

/** Another third for each route. */
function everyThird(bodies: readonly BadBody[], first: number): BadBody[] {
  return bodies.filter((_, at) => at % 3 === first);
}

function someOf(bodies: readonly BadBody[]): BadBody[] {
  return bodies.filter(({ name }, at) => at % ONE_IN === 0 || KNOWN.has(name));
}

async function complaintOf(
  { url }: ServedGateway,
  { method, path }: ValidRequest,
  { name, bytes }: BadBody,
): Promise<string[]> {
  const response = await fetch(url + path, {
    method,
    headers: { "content-type": "application/json" },
    body: bytes,
    signal: AbortSignal.timeout(HANG_MS),
  });
  const [status, text] = [response.status, await response.text()];
  const contentType = response.headers.get("content-type") ?? "";
  const fault = faultOf({ path, status, contentType, text }) ??
    (status >= 500 ? "it blames the server" : undefined);
  return fault === undefined ? [] : [`${method} ${path}, ${name}: ${fault}: ${status} ${text.slice(0, 300)}`];
}
