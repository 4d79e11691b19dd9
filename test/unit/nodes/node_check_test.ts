import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { HttpErrorKind } from "../../../lib/http/error.ts";
import { httpError } from "../../../lib/http/failure.ts";
import { checkNode, type ListedModels, type NodeFinding, notReached } from "../../../lib/nodes/node_check.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeNodeHttp, type NodeBehaviour } from "../../fakes/fake_node_http.ts";

const address = { transport: "tcp", hostname: "x", port: 1 } as const;
const PS = `{"models":[{"name":"a"}]}`;
const target = { address, basePath: "/base", headers: [] };

async function find(
  behaviour: NodeBehaviour,
  { key, known }: { key?: string; known?: ListedModels } = {},
): Promise<NodeFinding> {
  const http = new FakeNodeHttp();
  http.set(1, behaviour);
  const clock = new FakeClock();
  const { signal } = new AbortController();
  const headers = key === undefined ? [] : [["authorization", `Bearer ${key}`] as const];
  const found = checkNode({ ...target, headers }, { http, clock, signal, known });
  await setImmediate();
  clock.advance(2_000);
  return await found;
}

Deno.test("an Ollama that is well tells its version, what it holds and what it has in memory", async () => {
  const found = await find({ tags: ["a", "b"], ps: [{ name: "a", size: 5, size_vram: 3 }] });
  if (found.health !== "up") throw new Error(found.reason);
  deepEqual([found.version, [...found.listed.models.values()].map(({ name }) => name)], ["0.33.0", [
    "a",
    "b",
  ]]);
  deepEqual([...found.resident!.values()].map(({ sizeBytes, vramBytes }) => [sizeBytes, vramBytes]), [[
    5,
    3,
  ]]);
});

Deno.test("each request has a connection of its own, the base path and the key", async () => {
  const http = new FakeNodeHttp();
  const headers = [["authorization", "Bearer k"]] as const;
  const { signal } = new AbortController();
  await checkNode({ ...target, headers }, { http, clock: new FakeClock(), signal });
  deepEqual(http.asked, ["1 /base/api/version", "1 /base/api/ps", "1 /base/api/tags"]);
  deepEqual([http.last?.fresh, http.last?.headers?.at(-1)], [true, ["authorization", "Bearer k"]]);
});

Deno.test("the same list is not read again, and another one is", async () => {
  const first = await find({ tags: ["a"] });
  if (first.health !== "up") throw new Error(first.reason);
  const same = await find({ tags: ["a"] }, { known: first.listed });
  const other = await find({ tags: ["b"] }, { known: first.listed });
  equal(same.health === "up" && same.listed, first.listed);
  deepEqual(other.health === "up" && [...other.listed.models.values()].map(({ name }) => name), ["b"]);
});

for (
  const { name, ps, told } of [
    { name: "is too old for /api/ps", ps: { status: 404, text: "404 page not found" }, told: "nothing" },
    { name: "answers HTML there", ps: { text: "<html>" }, told: undefined },
    { name: "answers cut JSON there", ps: { text: `{"models":[{` }, told: undefined },
    { name: "fails there", ps: { status: 500, text: PS }, told: undefined },
    { name: "redirects there", ps: { status: 302, headers: [["location", "/"] as const] }, told: undefined },
  ]
) {
  Deno.test(`one that ${name} is up, and tells ${told ?? "not what it has"} in memory`, async () => {
    const found = await find({ ps });
    equal(found.health === "up" && found.resident?.size, told && 0);
  });
}

const key = "right";
const rows: { name: string; behaviour: NodeBehaviour; key?: string; reason: RegExp }[] = [
  {
    name: "one that redirects",
    behaviour: { version: { status: 302, headers: [["location", "https://evil/"]] } },
    reason: /^it redirects GET \/api\/version to https:\/\/evil\/; configure the URL that it leads to$/,
  },
  {
    name: "one that redirects nowhere",
    behaviour: { tags: { status: 301 } },
    reason: /^it redirects GET \/api\/tags; configure/,
  },
  {
    name: "a redirect that holds a password",
    behaviour: { version: { status: 307, headers: [["location", "http://me:secret@h/"]] } },
    reason: /to http:\/\/\*\*\*@h\/;/,
  },
  {
    name: "one that asks for a key",
    behaviour: { version: { status: 401 } },
    reason: /^it asks for a key \(401\); set its api_key$/,
  },
  {
    name: "one that refuses the key",
    behaviour: { tags: { status: 401 } },
    key,
    reason: /^it refuses the configured key \(401\); correct its api_key$/,
  },
  {
    name: "one that forbids",
    behaviour: { version: { status: 403 } },
    reason: /asks for a key \(403\); set its api_key; if it has none, call it by its IP address/,
  },
  {
    name: "one that is no Ollama",
    behaviour: { version: { status: 404, text: "404" } },
    reason:
      /^it answered GET \/api\/version with 404; check that an Ollama is there, and the path of its URL$/,
  },
  {
    name: "one that is ill",
    behaviour: { tags: { status: 500, text: "oops" } },
    reason: /^it answered GET \/api\/tags with 500; see its log$/,
  },
  {
    name: "one that answers HTML",
    behaviour: { version: { text: "<html>" } },
    reason:
      /^it answered GET \/api\/version with something else than Ollama's version; check that an Ollama is/,
  },
  {
    name: "one whose list is cut off",
    behaviour: { tags: { text: `{"models":[` } },
    reason: /^it answered GET \/api\/tags with something else than a list of models/,
  },
  {
    name: "one that answers an error with 200",
    behaviour: { tags: { text: `{"error":"disk\\nbroken"}` } },
    reason: /^it answered GET \/api\/tags with the error "disk\\nbroken"; see its log$/,
  },
  {
    name: "a sollol gateway",
    behaviour: { version: { text: `{"version":"1"}`, headers: [["x-sollol-request-id", "r"]] } },
    reason: /^it is a sollol gateway, perhaps this one, and no Ollama/,
  },
  {
    name: "a sollol gateway that asks for a key",
    behaviour: { version: { status: 401, headers: [["x-sollol-request-id", "r"]] } },
    reason: /^it is a sollol gateway/,
  },
];

for (const { name, behaviour, reason, ...options } of rows) {
  Deno.test(`${name} is down, and says why and what to do`, async () => {
    const found = await find(behaviour, options);
    if (found.health === "up") throw new Error("it is up");
    match(found.reason, reason);
    equal(found.cause, "unfit");
  });
}

Deno.test("silence for 2 s is silence, refusal means that there is nobody", async () => {
  const [silent, refused] = [await find({ as: "silent" }), await find({ as: "refused" })];
  deepEqual([silent.health === "down" && silent.cause, refused.health === "down" && refused.cause], [
    "silent",
    "unreachable",
  ]);
  match(
    silent.health === "down" ? silent.reason : "",
    /^it did not answer whole within 2\.0 s; check whether/,
  );
});

for (
  const { kind, answered = false, cause } of [
    { kind: "timeout", cause: "silent" },
    { kind: "refused", cause: "unreachable" },
    { kind: "unreachable", cause: "unreachable" },
    { kind: "closed", cause: "unreachable" },
    { kind: "closed", answered: true, cause: "unfit" },
    { kind: "too_large", cause: "unfit" },
    { kind: "busy", cause: "unfit" },
    { kind: "tls", cause: "unfit" },
  ] as { kind: HttpErrorKind; answered?: boolean; cause: string }[]
) {
  Deno.test(`a request that fails as ${kind}${answered ? ", answered," : ""} shows a node ${cause}`, () => {
    const phase = answered ? "head" : "connect";
    equal(notReached(httpError("x", "no", { phase, kind, sent: answered, answered })).cause, cause);
  });
}

Deno.test("one bad answer ends the other request", async () => {
  const signals: AbortSignal[] = [];
  const http = new FakeNodeHttp();
  http.set(1, { tags: { status: 500 } });
  const recording: Pick<FakeNodeHttp, "send"> = {
    send: (to, request) => {
      signals.push(request.signal!);
      return http.send(to, request);
    },
  };
  await checkNode(target, { http: recording, clock: new FakeClock(), signal: new AbortController().signal });
  deepEqual(signals.map(({ aborted }) => aborted), [true, true, true]);
});

Deno.test("whoever ends a check gets their own reason; a fault of ours is not the node's", async () => {
  const http = new FakeNodeHttp();
  http.set(1, { as: "silent" });
  const caller = new AbortController();
  const found = checkNode(target, { http, clock: new FakeClock(), signal: caller.signal });
  caller.abort(new Error("enough"));
  await rejects(found, /enough/);
  const broken = { send: () => Promise.reject(new TypeError("a bug")) };
  const { signal } = new AbortController();
  await rejects(checkNode(target, { http: broken, clock: new FakeClock(), signal }), /a bug/);
});
