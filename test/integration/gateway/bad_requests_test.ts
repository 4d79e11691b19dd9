import { deepEqual, equal, match } from "node:assert/strict";
import { mapConcurrently } from "../../../lib/concurrent.ts";
import { FakeLlamaApi } from "../../fakes/fake_llama_api.ts";
import type { FakeLlamaServer } from "../../fakes/fake_llama_server.ts";
import { faultOf } from "../../fixtures/answer_faults.ts";
import {
  type BadBody,
  hugeBody,
  oddBodies,
  unreadableBodies,
  wrongTypes,
} from "../../fixtures/bad_bodies.ts";
import { inferenceRequests, managementRequests, type ValidRequest } from "../../fixtures/valid_requests.ts";
import { FakeCoordinator } from "./gateway_bed.ts";
import { MODEL, NodeRouteBed } from "./node_route_bed.ts";

/** Keys of ours; each is asked for where it belongs. */
const CLIENT_KEY = "key-of-the-clients";
const OTHERS_KEY = "key-of-the-coordinator-of-others";
const OWN_KEY = "own-secret";
const SECRETS = [CLIENT_KEY, OTHERS_KEY, OWN_KEY];

/** A longer wait is a hang. */
const HANG_MS = 20_000;
const CONCURRENCY = 16;

/** Models by who serves them. */
const MODELS = { node: MODEL, ours: "fake", others: "ranker" } as const;

/** The whole gateway over an Ollama node, a llama-server of ours and one of others. */
async function openBed() {
  await using opening = new AsyncDisposableStack();
  const others = opening.use(new FakeLlamaApi({ model: MODELS.others, apiKey: OTHERS_KEY }));
  const ours = opening.use(new FakeLlamaApi({ model: MODELS.ours, apiKey: OWN_KEY }));
  const bed = opening.use(
    await NodeRouteBed.open([{ models: [{ name: MODEL }] }], {
      models: [MODELS.ours],
      config: `api_keys: [${CLIENT_KEY}]\n` +
        `coordinators: [{ url: "${others.url}", api_key: ${OTHERS_KEY} }]\n`,
      start: ({ key }) => Promise.resolve(new FakeCoordinator(key, ours as unknown as FakeLlamaServer)),
    }),
  );
  const owned = opening.move();
  return {
    url: bed.gateway.url,
    node: bed.a,
    logLines: bed.gateway.logLines,
    untilIdle: () => bed.untilIdle(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Bed = Awaited<ReturnType<typeof openBed>>;

/** Sends a body, and says in a sentence what is wrong with the answer, if anything is. */
async function complaintOf(url: string, { method, path }: ValidRequest, body: BadBody): Promise<string[]> {
  const answer = await send(url, method, path, body.bytes);
  const { status, text } = answer;
  const fault = faultOf(answer, SECRETS) ??
    (status > 500 ? `the status is ${status}` : undefined) ??
    (body.isHopeless && status < 400 ? "it was taken" : undefined) ??
    (status === 400 && body.path && !names(text, body.path) ? "the field is not named" : undefined);
  return fault === undefined
    ? []
    : [`${method} ${path}, ${body.name}: ${fault}: ${status} ${text.slice(0, 300)}`];
}

async function send(url: string, method: string, path: string, body: Uint8Array<ArrayBuffer>) {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
    body,
    signal: AbortSignal.timeout(HANG_MS),
  });
  const contentType = response.headers.get("content-type") ?? "";
  return { path, status: response.status, contentType, text: await response.text() };
}

/** Whether a refusal tells where the client looks for its mistake, or what its model cannot do. */
function names(text: string, path: readonly (string | number)[]): boolean {
  const words = path.filter((step) => typeof step === "string");
  return words.some((word) => text.includes(word)) || text.includes("does not support");
}

/** Sends all of them, some at a time. Nothing may be wrong with any answer, and nothing may have surprised the gateway. */
async function checkAll(bed: Bed, cases: readonly (readonly [ValidRequest, BadBody])[]): Promise<void> {
  const complaints = await mapConcurrently(
    cases,
    CONCURRENCY,
    ([request, body]) => complaintOf(bed.url, request, body),
  );
  deepEqual(complaints.flat(), []);
  deepEqual(bed.logLines.filter(({ level }) => level === "error"), []);
  await bed.untilIdle();
}

/** Another third for each: bodies are read alike whoever serves them, so that the kinds of upstream can share them. */
function everyThird<T>(items: readonly T[], first: number): T[] {
  return items.filter((_, at) => at % 3 === first);
}

for (const [at, [who, model]] of Object.entries(MODELS).entries()) {
  Deno.test(`bad bodies for inference by ${who} are refused or answered, in the dialect`, async () => {
    await using bed = await openBed();
    await checkAll(
      bed,
      inferenceRequests({ chat: model, embedding: model }).flatMap((request) =>
        [...oddBodies(request.body), ...everyThird(wrongTypes(request.body), at)]
          .map((body) => [request, body] as const)
      ),
    );
  });
}

Deno.test("bodies that no route can read are refused by each, in its dialect", async () => {
  await using bed = await openBed();
  const requests = [
    ...inferenceRequests({ chat: MODEL, embedding: MODEL }),
    ...managementRequests({ chat: MODEL }),
  ];
  await checkAll(
    bed,
    requests.flatMap((request) => unreadableBodies().map((body) => [request, body] as const)),
  );
  // Which capabilities its models have it is asked without any request.
  const asked = bed.node.requests.filter(({ method, path }) => method !== "GET" && path !== "/api/show");
  deepEqual(asked, []);
});

Deno.test("bad bodies for what manages models are refused or answered, in the dialect", async () => {
  await using bed = await openBed();
  await checkAll(
    bed,
    managementRequests({ chat: MODEL }).flatMap((request) =>
      [...oddBodies(request.body), ...wrongTypes(request.body)].map((body) => [request, body] as const)
    ),
  );
});

Deno.test("10 MB in one text are refused for their size by each route, in its dialect", async () => {
  await using bed = await openBed();
  const requests = [
    ...inferenceRequests({ chat: MODEL, embedding: MODEL }),
    ...managementRequests({ chat: MODEL }),
  ];
  for (const { method, path, body } of requests) {
    const answer = await send(bed.url, method, path, hugeBody(body));
    equal(answer.status, 413, path);
    match(answer.text, /larger than [\d.]+ [KM]iB/, `${path}: ${answer.text}`);
    equal(faultOf(answer, SECRETS), undefined, path);
  }
});
