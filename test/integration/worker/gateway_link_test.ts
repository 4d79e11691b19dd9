import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { parseUpstreamUrl } from "../../../lib/http/address.ts";
import type { WorkerReport } from "../../../lib/rpc/worker_report.ts";
import { type BeatOutcome, GatewayLink } from "../../../lib/worker/gateway_link.ts";
import { FakeWorkerGateway, refusal, taken } from "../../fakes/fake_worker_gateway.ts";
import { answering, type Script, ScriptedServer } from "../../fakes/scripted_server.ts";
import { freePort } from "../../fixtures/free_port.ts";

const REPORT: WorkerReport = {
  name: "shelf 2/ü",
  version: "0.1.0",
  is_draining: false,
  host: { cpu_count: 2, memory_total_bytes: 10, memory_available_bytes: 5 },
  backends: [],
};
const signal = new AbortController().signal;

function linkTo(url: string, options: { token?: string; timeoutMs?: number } = {}): GatewayLink {
  return new GatewayLink({ ...parseUpstreamUrl(url), name: REPORT.name, token: undefined, ...options });
}

/** What a report becomes when the gateway answers so. */
async function outcomeOf(answer: Response): Promise<BeatOutcome> {
  await using gateway = new FakeWorkerGateway(() => answer);
  using link = linkTo(gateway.url);
  return await link.report(REPORT, { signal });
}

async function outcomeOfScript(script: Script, timeoutMs = 2_000): Promise<BeatOutcome> {
  await using server = ScriptedServer.start(script);
  using link = new GatewayLink({
    address: server.address,
    basePath: "",
    name: "x",
    token: undefined,
    timeoutMs,
  });
  return await link.report(REPORT, { signal });
}

Deno.test("a report goes out under its escaped name with the token, and its answer comes back", async () => {
  await using gateway = new FakeWorkerGateway(() => taken(["10.0.0.2:50052"]));
  using link = linkTo(gateway.url, { token: "s3cret" });
  deepEqual(await link.report(REPORT, { signal }), {
    kind: "accepted",
    reply: { timeout_ms: 6_000, in_use: [{ endpoint: "10.0.0.2:50052", holder: "llama3:70b" }] },
  });
  deepEqual(await link.leave({ signal }), { kind: "accepted", reply: { timeout_ms: 1, in_use: [] } });
  deepEqual(gateway.requests, [
    { method: "PUT", name: REPORT.name, authorization: "Bearer s3cret", report: REPORT },
    { method: "DELETE", name: REPORT.name, authorization: "Bearer s3cret", report: undefined },
  ]);
});

Deno.test("a link to a gateway below a path asks there", async () => {
  await using server = ScriptedServer.start(async (peer) => {
    match((await peer.receive()).head, /^PUT \/sollol\/api\/workers\/shelf%202%2F%C3%BC HTTP/);
    await peer.send("HTTP/1.1 204 No Content\r\n\r\n");
  });
  ok(server.address.transport === "tcp");
  using link = linkTo(`http://127.0.0.1:${server.address.port}/sollol/`);
  equal((await link.report(REPORT, { signal })).kind, "refused", "an empty answer is no reply");
});

for (
  const [status, because] of [
    [400, /answers 400 \("no"\): gateway and worker do not understand each other; install the same version/],
    [
      401,
      /answers 401 \("no"\): it wants a token; give the gateway's by --token-file or SOLLOL_WORKER_TOKEN/,
    ],
    [403, /answers 403 \("no"\): it does not let this worker join/],
    [404, /answers 404 \("no"\): it knows no workers; check the URL/],
    [413, /answers 413 \("no"\): the report is larger than it takes/],
    [418, /answers 418 \("no"\): check the URL/],
    [307, /answers 307 \("no"\): check the URL/],
  ] as const
) {
  Deno.test(`a gateway that answers ${status} refuses, and it is said what to do`, async () => {
    const outcome = await outcomeOf(refusal(status, "no"));
    ok(outcome.kind === "refused");
    match(outcome.because, because);
  });
}

for (
  const { name, answer, retryAfterMs, because } of [
    {
      name: "500 with a web page",
      answer: () => new Response("<h1>oops", { status: 500 }),
      because: /answers 500$/,
    },
    { name: "503", answer: () => refusal(503, "starting"), because: /answers 503 \("starting"\)/ },
    {
      name: "429 with a wish",
      answer: () => refusal(429, "slow", { "retry-after": "7" }),
      retryAfterMs: 7_000,
      because: /429/,
    },
    {
      name: "an absurd wish",
      answer: () => refusal(503, "x", { "retry-after": "1e9" }),
      retryAfterMs: 60_000,
      because: /503/,
    },
    { name: "no wish at all", answer: () => refusal(503, "x", { "retry-after": "soon" }), because: /503/ },
  ]
) {
  Deno.test(`a gateway that answers ${name} is only not reached`, async () => {
    const outcome = await outcomeOf(answer());
    ok(outcome.kind === "unreachable");
    match(outcome.because, because);
    equal(outcome.retryAfterMs, retryAfterMs);
  });
}

for (
  const [name, answer] of [
    ["a web page", new Response("<html>", { status: 200 })],
    ["another JSON", Response.json({ status: "ok" })],
    ["a reply without sense", Response.json({ timeout_ms: -1, in_use: [] })],
  ] as const
) {
  Deno.test(`${name} is no gateway's answer`, async () => {
    const outcome = await outcomeOf(answer);
    ok(outcome.kind === "refused");
    match(outcome.because, /answers 200, but not as a sollol gateway does; check the URL/);
  });
}

Deno.test("a message of the gateway cannot steer the terminal, nor fill the log", async () => {
  const outcome = await outcomeOf(refusal(400, `\u001b[2J${"x".repeat(5_000)}`));
  ok(outcome.kind === "refused" && outcome.because.length < 600 && !outcome.because.includes("\u001b"));
});

Deno.test("a gateway that is not there is not reached", async () => {
  using link = linkTo(`http://127.0.0.1:${freePort()}`);
  const outcome = await link.report(REPORT, { signal });
  ok(outcome.kind === "unreachable");
  match(outcome.because, /Cannot connect to http:.*refused/);
});

Deno.test("a gateway that hangs, with or without a head, is given up in time", async () => {
  const silent = await outcomeOfScript(async (peer) => void await peer.untilGone(), 100);
  ok(silent.kind === "unreachable");
  match(silent.because, /did not answer within 100 ms/);
  const half = await outcomeOfScript(async (peer) => {
    await peer.receive();
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
    await peer.untilGone();
  }, 100);
  ok(half.kind === "unreachable");
});

Deno.test("what is no HTTP, or without end, is not reached", async () => {
  equal((await outcomeOfScript(answering("SSH-2.0-OpenSSH_9.6\r\n"))).kind, "unreachable");
  const endless = `HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n${" ".repeat(400_000)}`;
  equal((await outcomeOfScript(answering(endless))).kind, "unreachable");
});

Deno.test("a report that breaks the rules is not sent, and it is said which", async () => {
  await using gateway = new FakeWorkerGateway();
  using link = linkTo(gateway.url);
  const outcome = await link.report({ ...REPORT, name: "" }, { signal });
  ok(outcome.kind === "refused");
  match(outcome.because, /not valid and was not sent, please report it: .*name/s);
  deepEqual(gateway.requests, []);
});

Deno.test("an abort ends a report with its reason", async () => {
  const reason = new Error("enough");
  await using server = ScriptedServer.start(async (peer) => void await peer.untilGone());
  using link = new GatewayLink({ address: server.address, basePath: "", name: "x", token: undefined });
  await rejects(link.report(REPORT, { signal: AbortSignal.abort(reason) }), reason);
  const stop = new AbortController();
  const sending = link.report(REPORT, { signal: stop.signal });
  stop.abort(reason);
  await rejects(sending, reason);
});
