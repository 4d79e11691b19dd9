import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { checkExternal, type ExternalFinding, notReached } from "../../../lib/coordinator/external_check.ts";
import { httpError } from "../../../lib/http/failure.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { type ExternalBehaviour, FakeExternalHttp } from "../../fakes/fake_external_http.ts";

const target = {
  url: "http://x:1/llama",
  address: { transport: "tcp", hostname: "x", port: 1 },
  basePath: "/llama",
  headers: [["authorization", "Bearer top-secret"]],
} as const;
const keyless = { ...target, headers: [] };

async function find(
  behaviour: ExternalBehaviour,
  { asked = target }: { asked?: typeof target | typeof keyless } = {},
): Promise<ExternalFinding> {
  const http = new FakeExternalHttp();
  http.set(1, behaviour);
  const clock = new FakeClock();
  const found = checkExternal(asked, { http, clock, signal: new AbortController().signal });
  await setImmediate();
  clock.advance(2_000);
  return await found;
}

function list(data: unknown): ExternalBehaviour {
  return { models: { status: 200, text: JSON.stringify({ data }) } };
}

Deno.test("a check asks below the base path, with the key, and learns names, aliases and slots", async () => {
  const http = new FakeExternalHttp();
  http.set(1, { ...list([{ id: "a", aliases: ["a", "b"] }, { id: "c", owned_by: 7 }]), slotCount: 3 });
  const { signal } = new AbortController();
  const found = await checkExternal(target, { http, clock: new FakeClock(), signal });
  deepEqual(found, { health: "up", listed: ["a", "b", "c"], slotCount: 3 });
  deepEqual(http.asked, ["1 /llama/v1/models", "1 /llama/props"]);
  equal(http.lastHeaders["authorization"], "Bearer top-secret");
});

for (
  const text of [
    "",
    "{}",
    `{"total_slots":"4"}`,
    `{"total_slots":0}`,
    `{"total_slots":1e9}`,
    "null",
    "<html>",
  ]
) {
  Deno.test(`one whose /props are ${JSON.stringify(text)} is up, its slots are not known`, async () => {
    deepEqual(await find({ props: { status: 200, text } }), {
      health: "up",
      listed: ["big"],
      slotCount: undefined,
    });
  });
}

const LOADING = `{"error":{"message":"Loading model","type":"unavailable_error","code":503}}`;
const KEY = `{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}`;

for (
  const { name, behaviour, asked, health = "down", reason } of [
    {
      name: "that loads",
      behaviour: { models: { status: 503, text: LOADING } },
      health: "loading",
      reason: /loading its model/,
    },
    { name: "that is not there", behaviour: { models: "refused" }, reason: /refused; check that it runs/ },
    {
      name: "that is silent",
      behaviour: { models: "silent" },
      reason: /did not answer GET \/v1\/models within 2\.0 s; check whether it hangs/,
    },
    {
      name: "that refuses the key",
      behaviour: { models: { status: 401, text: KEY } },
      reason: /refuses the configured key; correct its api_key/,
    },
    {
      name: "that wants a key",
      behaviour: { models: { status: 401, text: KEY } },
      asked: keyless,
      reason: /asks for a key; list it under coordinators with its api_key/,
    },
    {
      name: "that lists its models to everybody and refuses the key only then",
      behaviour: { props: { status: 401, text: KEY } },
      reason: /refuses the configured key/,
    },
    {
      name: "behind something that forbids it",
      behaviour: { models: { status: 403, text: "" } },
      reason: /answered 403; check its api_key/,
    },
    {
      name: "at another path",
      behaviour: { models: { status: 404, text: "" } },
      reason: /answered 404; check the path/,
    },
    {
      name: "that redirects",
      behaviour: { models: { status: 308, text: "" } },
      reason: /answered 308; configure the URL that it leads to/,
    },
    {
      name: "whose proxy is out of order",
      behaviour: { models: { status: 503, text: "no upstream" } },
      reason: /answered 503; see its log/,
    },
    ...["", "nonsense", "[]", "null", "7", "{}", `{"data":{}}`, `{"data":[7]}`, `{"data":[{"id":7}]}`].map((
      text,
    ) => ({
      name: `that answers ${JSON.stringify(text)}`,
      behaviour: { models: { status: 200, text } },
      reason: /something else than a list of models; check that a llama-server is there/,
    })),
  ] as {
    name: string;
    behaviour: ExternalBehaviour;
    asked?: typeof keyless;
    health?: string;
    reason: RegExp;
  }[]
) {
  Deno.test(`a coordinator ${name} is ${health}, and the reason says what to do`, async () => {
    const found = await find(behaviour, asked ? { asked } : {});
    ok(found.health !== "up");
    equal(found.health, health);
    match(found.reason, reason);
    ok(!found.reason.includes("top-secret"));
  });
}

Deno.test("a proxy that keeps /props to itself does not take the coordinator away", async () => {
  equal((await find({ props: { status: 401, text: "<html>Authorization Required</html>" } })).health, "up");
});

for (
  const { behaviour, cause } of [
    { behaviour: { models: "silent" }, cause: "silent" },
    { behaviour: { models: "refused" }, cause: "unreachable" },
    { behaviour: { models: { status: 404, text: "" } }, cause: "unfit" },
    { behaviour: { props: { status: 401, text: KEY } }, cause: "unfit" },
  ] as const
) {
  Deno.test(`the cause of a coordinator with ${JSON.stringify(behaviour)} is ${cause}`, async () => {
    const found = await find(behaviour);
    equal(found.health === "down" && found.cause, cause);
  });
}

for (
  const { kind, answered = false, cause } of [
    { kind: "timeout", cause: "silent" },
    { kind: "refused", cause: "unreachable" },
    { kind: "unreachable", cause: "unreachable" },
    { kind: "closed", cause: "unreachable" },
    { kind: "closed", answered: true, cause: "unfit" },
    { kind: "busy", cause: "unfit" },
    { kind: "tls", cause: "unfit" },
  ] as const
) {
  Deno.test(`a request that fails as ${kind}${answered ? ", answered," : ""} shows a coordinator ${cause}`, () => {
    const phase = answered ? "head" : "connect";
    const found = notReached(httpError("http://x:1", "it failed", { phase, kind, sent: answered, answered }));
    equal(found.health === "down" && found.cause, cause);
  });
}

Deno.test("of a huge list the first thousand names count; names that nobody could mean are left out", async () => {
  const many = Array.from({ length: 50_000 }, (_, index) => ({ id: `m${index}` }));
  const cut = await find(list(many));
  equal(cut.health === "up" && cut.listed.length, 1_000);
  const odd = await find(
    list([{ id: "" }, { id: " " }, { id: "x".repeat(1_001) }, { id: "ok" }, { id: "ok" }]),
  );
  deepEqual(odd.health === "up" && odd.listed, ["ok"]);
});

Deno.test("whoever ends a check gets their own reason", async () => {
  const http = new FakeExternalHttp();
  http.set(1, { models: "silent" });
  const caller = new AbortController();
  const found = checkExternal(target, { http, clock: new FakeClock(), signal: caller.signal });
  caller.abort(new Error("enough"));
  await rejects(found, /enough/);
});
