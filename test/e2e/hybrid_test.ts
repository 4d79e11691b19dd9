import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ModelCard } from "../../lib/dialects/openai.ts";
import { buildTinyModel } from "../../lib/gguf/tiny_model.ts";
import { ChildProcess } from "../../lib/process/child.ts";
import { FakeOllamaNode } from "../fakes/fake_ollama_node.ts";
import { freePort } from "../fixtures/free_port.ts";
import { chat, type ChatAnswer, ChatStream } from "./chat.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed, type ServedGateway, type Settings } from "./gateway_bed.ts";
import { addNode } from "./node_moods.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

/** What both kinds of upstreams are served with. */
interface Hybrid {
  readonly bed: GatewayBed;
  readonly gateway: ServedGateway;
  readonly node: FakeOllamaNode;
}

/** A gateway over real rpc backends whose store holds `stored`, and over one node that holds `held`. */
async function serveHybrid(
  programs: RealPrograms,
  stack: AsyncDisposableStack,
  { stored, held, settings = {}, env = {} }: {
    stored: readonly string[];
    held: readonly string[];
    settings?: Settings;
    env?: Readonly<Record<string, string>>;
  },
): Promise<Hybrid> {
  const bed = stack.use(await GatewayBed.create(programs, { backendCount: 2, models: stored }));
  const node = stack.use(
    await FakeOllamaNode.start({ models: held.map((name) => ({ name: `${name}:latest` })) }),
  );
  const gateway = stack.use(
    await bed.serve({ settings: { "nodes.local": false, "nodes.check_every": "300ms", ...settings }, env }),
  );
  await addNode(gateway, { url: node.url, name: "attic" });
  return { bed, gateway, node };
}

// deno-lint-ignore no-explicit-any
async function getJson({ url }: { url: string }, path: string): Promise<any> {
  return await (await fetch(url + path)).json();
}

/** Of each model of `GET /v1/models`: its name, who keeps it, whether it can be had, and where a request would go. */
async function listCards(gateway: ServedGateway): Promise<(string | boolean | undefined)[][]> {
  const { data } = await getJson(gateway, "/v1/models");
  return data.map(({ id, owned_by, sollol }: ModelCard) => [id, owned_by, sollol.available, sollol.goes_to]);
}

/** Who answered, and why. */
function told({ status, headers, error }: ChatAnswer): { readonly by: string; readonly because: string } {
  equal(status, 200, error?.message);
  return { by: headers.get("x-sollol-upstream")!, because: headers.get("x-sollol-decision")! };
}

test("what a node holds goes there, what only the store holds is sharded, both at once; and every list knows it", async (programs) => {
  await using stack = new AsyncDisposableStack();
  const { bed, gateway } = await serveHybrid(programs, stack, { stored: ["big"], held: ["small"] });
  await gateway.untilBackendsAreUp();

  const explained = await Promise.all(
    ["small", "big"].map((model) => getJson(gateway, `/api/admin/route?model=${model}`)),
  );
  deepEqual(explained.map(({ to, upstream }) => [to, upstream]), [["node", "attic"], [
    "coordinator",
    undefined,
  ]]);
  match(explained[1].because, /^"big" is sharded over rpc backends/);
  equal((await gateway.health()).coordinators.length, 0, "an explanation loaded something");

  const [small, big] = await Promise.all([
    chat(gateway.url, { model: "small" }),
    chat(gateway.url, { model: "big" }),
  ]);
  equal(told(small).by, "attic");
  match(told(big).because, /^8 layers of "big:latest" over 2 rpc backends/);
  equal(big.tokenCount, 4);
  const { _routing: note } = await (await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-sollol-routing": "true" },
    body: JSON.stringify({ model: "big", max_tokens: 2, messages: [{ role: "user", content: "Hello" }] }),
  })).json();
  equal(note.backend, "llama.cpp-distributed");

  const streams = await Promise.all(
    ["small", "big"].map((model) => ChatStream.open(gateway.url, { model, maxTokens: 12 })),
  );
  for (const stream of streams) equal((await stream.rest()).isDone, true);

  await eventually("both are listed", async () =>
    isDeepStrictEqual(await listCards(gateway), [
      ["big:latest", "sollol", true, "a coordinator of ours"],
      ["small:latest", "ollama", true, "attic"],
    ]));
  const { models } = await getJson(gateway, "/api/tags");
  deepEqual(models.map(({ name }: { name: string }) => name).sort(), ["big:latest", "small:latest"]);
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("a model that both have is the node's; when that is gone, a coordinator answers the same request", async (programs) => {
  await using stack = new AsyncDisposableStack();
  const { bed, gateway, node } = await serveHybrid(programs, stack, {
    stored: ["shared"],
    held: ["shared"],
    settings: { "nodes.check_every": "1h" }, // so that the request finds out by itself
  });
  await gateway.untilBackendsAreUp();
  equal(told(await chat(gateway.url, { model: "shared" })).by, "attic");

  await node.stop();
  const saved = await chat(gateway.url, { model: "shared" });
  match(
    told(saved).because,
    /over 2 rpc backends.*"shared" is sharded over rpc backends: attic failed this request a moment ago$/,
  );
  deepEqual([saved.tokenCount, saved.headers.get("x-sollol-attempts")], [4, "2"]);
  deepEqual((await listCards(gateway)).map(([, , , goesTo]) => goesTo), ["a coordinator of ours"]);

  await node.startAgain();
  await eventually("the node has it back", async () => {
    return told(await chat(gateway.url, { model: "shared" })).by === "attic";
  });
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("what is to be sharded goes to a node where no coordinator can have it", async (programs) => {
  await using stack = new AsyncDisposableStack();
  const { bed, gateway, node } = await serveHybrid(programs, stack, {
    stored: ["shared"],
    held: ["shared"],
    settings: { model_profiles: `{"shared": {"requires_distributed": true}}` },
  });
  await gateway.untilBackendsAreUp();
  const sharded = told(await chat(gateway.url, { model: "shared" }));
  match(sharded.because, /"shared" is sharded over rpc backends.*requires_distributed/);
  equal(node.requests.some(({ path }) => path.startsWith("/v1/")), false);

  for (const index of bed.backends.keys()) await bed.killBackend(index);
  await eventually(
    "the node answers",
    async () => told(await chat(gateway.url, { model: "shared" })).by === "attic",
    30_000,
  );
  await eventually("the explanation knows it", async () => {
    const { to, upstream } = await getJson(gateway, "/api/admin/route?model=shared");
    return to === "node" && upstream === "attic";
  });
  await gateway.stop();
  await bed.assertNothingLeft();
});

test("a llama-server of others is the second choice, and takes over for a node that is gone", async (programs) => {
  await using stack = new AsyncDisposableStack();
  const port = freePort();
  const theirs = `http://127.0.0.1:${port}`;
  const { bed, gateway, node } = await serveHybrid(programs, stack, {
    stored: [],
    held: ["tiny"],
    env: { SOLLOL_COORDINATOR_URL: theirs },
  });
  const modelPath = join(bed.sandbox.directory, "tiny.gguf");
  await Deno.writeFile(modelPath, buildTinyModel());
  const server = stack.use(
    await ChildProcess.spawn({
      program: programs.llamaServer,
      args: [
        "-m",
        modelPath,
        "-a",
        "tiny",
        "--host",
        "127.0.0.1",
        "--port",
        `${port}`,
        "-t",
        "1",
        "-c",
        "1024",
      ],
    }),
  );
  await eventually(
    "theirs is up",
    async () => (await gateway.health()).externalCoordinators[0]?.health === "up",
    30_000,
  );
  equal(told(await chat(gateway.url)).by, "attic");
  const { candidates } = await getJson(gateway, "/api/admin/route?model=tiny");
  const possible = candidates.filter(({ isPossible }: { isPossible: boolean }) => isPossible);
  deepEqual(possible.map(({ name }: { name: string }) => name), ["attic", theirs]);

  await node.stop();
  const saved = told(await chat(gateway.url));
  equal(saved.by, theirs);
  match(saved.because, /served by the coordinator at .*attic/);

  server.signal("SIGKILL");
  await server.exited;
  equal((await chat(gateway.url)).status, 502);
  await eventually("both are known to be down", async () => {
    const { status, error } = await chat(gateway.url);
    return status === 502 && /attic is down.*the coordinator at .* is down/.test(error!.message);
  });
  await gateway.stop();
});
