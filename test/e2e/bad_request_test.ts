import { deepEqual, equal, match, ok } from "node:assert/strict";
import { buildTinyModel } from "../../lib/gguf/tiny_model.ts";
import { MIB } from "../../lib/units.ts";
import { chat } from "./chat.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

const CHAT = "/v1/chat/completions";

/** A request that is refused: the status, the code and the sentence. */
interface Refusal {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly body?: unknown;
  readonly want: readonly [status: number, code: string, sentence: RegExp];
}

function asks(model: unknown): Record<string, unknown> {
  return { model, messages: [{ role: "user", content: "a" }] };
}

const REFUSALS: readonly Refusal[] = [
  {
    name: "an unknown model",
    body: asks("tinny"),
    want: [404, "model_not_found", /^Cannot find model "tinny"; did you mean "tiny:latest"\?$/],
  },
  ...["../../etc/passwd", "/etc/passwd", "tiny/../../../x", "..%2f..%2fetc", "C:\\x", "tiny\0"].map((
    name,
  ) => ({
    name: `the path-like name ${JSON.stringify(name)}`,
    body: asks(name),
    want: [400, "invalid_request", /^Cannot read model name ".*": its (host|model|tag) /] as const,
  })),
  {
    name: "a name of 100,000 characters",
    body: asks("a".repeat(100_000)),
    want: [400, "invalid_request", /^"model" must have at most 1024 characters$/],
  },
  {
    name: "a model whose weights are cut short",
    body: asks("cut"),
    want: [422, "model_unusable", /truncated: has 1500000 of at least \d+ bytes; download it again/],
  },
  {
    name: "a model whose blob is missing",
    body: asks("blobless"),
    want: [
      422,
      "model_unusable",
      /^Cannot load "blobless:latest": blob .* is missing; pull the model again$/,
    ],
  },
  {
    name: "a text in place of the weights",
    body: asks("text"),
    want: [422, "model_unusable", /^Cannot load "text:latest": .*it begins with "# Re", not with "GGUF"; /],
  },
  {
    name: "a half-written manifest",
    body: asks("half"),
    want: [
      422,
      "model_unusable",
      /^Cannot read manifest .*its 29 bytes are not one JSON value; pull or create the model again$/,
    ],
  },
  { name: "no body", want: [400, "invalid_request", /^missing request body; send a JSON object/] },
  { name: "a body that is not JSON", body: "{nope", want: [400, "invalid_request", /not valid JSON/] },
  {
    name: "a model that is a number",
    body: asks(7),
    want: [400, "invalid_request", /^"model" must be text, not a number$/],
  },
  {
    name: "messages of the wrong type",
    body: { model: "tiny", messages: "hi" },
    want: [400, "invalid_request", /^"messages" must be a list, not text$/],
  },
  {
    name: "no model at all",
    body: asks(undefined),
    want: [400, "invalid_request", /^The request names no model; add "model"$/],
  },
  {
    name: "an unknown route",
    path: "/v1/chat/completion",
    body: asks("tiny"),
    want: [404, "not_found", /^There is no \/v1\/chat\/completion here; chat is at/],
  },
  {
    name: "a method that the route does not know",
    method: "PUT",
    body: asks("tiny"),
    want: [405, "method_not_allowed", /^\/v1\/chat\/completions does not know PUT; use POST$/],
  },
  {
    name: "a body of 100 MB",
    body: "x".repeat(100 * 1_000_000),
    want: [413, "too_large", /^The body is larger than 32\.0 MiB; send less, or raise limits\.body$/],
  },
];

async function addBrokenModels({ store }: GatewayBed): Promise<void> {
  await store.addModel("cut", buildTinyModel({ seed: 9 }).subarray(0, 1_500_000));
  const { modelPath } = await store.addModel("blobless", buildTinyModel({ seed: 8 }));
  await Deno.remove(modelPath);
  await store.addModel("text", new TextEncoder().encode("# Read me\n".repeat(1_000)));
  await store.writeManifest("half", '{"schemaVersion":2,"layers":[');
}

async function refuse(url: string, { method = "POST", path = CHAT, body }: Refusal): Promise<unknown[]> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(url + path, {
    method,
    headers: { "content-type": "application/json" },
    ...(text === undefined ? {} : { body: text }),
  });
  const { error } = await response.json();
  equal(error.request_id, response.headers.get("x-sollol-request-id"));
  return [response.status, error.code, error.message];
}

test("what cannot be served is refused in a sentence, without a load, and the gateway stays up", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 1 });
  await addBrokenModels(bed);
  await using gateway = await bed.serve();
  for (const refusal of REFUSALS) {
    const [status, code, message] = await refuse(gateway.url, refusal);
    const [wantStatus, wantCode, sentence] = refusal.want;
    deepEqual([status, code], [wantStatus, wantCode], `${refusal.name}: ${message}`);
    match(message as string, sentence, refusal.name);
  }
  equal((await chat(gateway.url)).status, 200);
  bed.assertAlive([0]);
  await gateway.stop();
  equal(gateway.loads.length, 1, "a load for what was refused");
  deepEqual(gateway.program.logged("unexpected error"), []);
  await bed.assertNothingLeft();
});

test("a body of 100 MB without a length is cut off, not gathered", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 0 });
  await using gateway = await bed.serve();
  const beforeBytes = peakBytes(gateway);
  const status = await sendChunks(gateway.url, 100 * MIB);
  equal(status, 413);
  const grownBytes = peakBytes(gateway) - beforeBytes;
  ok(grownBytes < 100 * MIB, `${grownBytes} more at its peak`);
  await gateway.stop();
});

test("two messages hidden in one by contradicting lengths are not both answered", async (programs) => {
  await using bed = await GatewayBed.create(programs, { backendCount: 0 });
  await using gateway = await bed.serve();
  const smuggled = "GET /health HTTP/1.1\r\nhost: a\r\n\r\n";
  for (
    const head of [
      "content-length: 4\r\ncontent-length: 40",
      "content-length: 4\r\ntransfer-encoding: chunked",
      "transfer-encoding: chunked, identity",
    ]
  ) {
    const answer = await talk(
      gateway.url,
      `POST ${CHAT} HTTP/1.1\r\nhost: a\r\n${head}\r\n\r\n0\r\n\r\n${smuggled}`,
    );
    const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);
    ok(!statuses.includes("200") && statuses.length <= 1, `${head}: ${answer}`);
  }
  await gateway.stop();
});

/** Sends spaces in chunks until the gateway answers or so many are sent. */
async function sendChunks(url: string, totalBytes: number): Promise<number> {
  const chunk = new TextEncoder().encode(" ".repeat(MIB));
  let sentBytes = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (sentBytes >= totalBytes) return controller.close();
      controller.enqueue(chunk);
      sentBytes += chunk.byteLength;
    },
  });
  const response = await fetch(url + CHAT, { method: "POST", body });
  await response.body?.cancel();
  return response.status;
}

/** The most memory that the gateway has ever had resident. */
function peakBytes({ program }: ServedGateway): number {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${program.pid}/status`))!;
  return Number(kib) * 1024;
}

/** Sends bytes and reads until the server closes, or says nothing for 300 ms. */
async function talk(url: string, text: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
  const timer = setTimeout(() => connection.close(), 300);
  let answer = "";
  try {
    await connection.write(new TextEncoder().encode(text));
    for await (const chunk of connection.readable) answer += new TextDecoder().decode(chunk);
  } catch {
    // closed by the timer or reset by the server
  }
  clearTimeout(timer);
  return answer;
}
