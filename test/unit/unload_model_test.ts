import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { GatewayError } from "../../lib/errors.ts";
import type { UpstreamAddress } from "../../lib/http/address.ts";
import type { HttpRequest, HttpResponse } from "../../lib/http/client.ts";
import type { KnownNode } from "../../lib/nodes/node.ts";
import type { ListedModel } from "../../lib/router/listed_model.ts";
import { ModelUnloader } from "../../lib/unload_model.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { refusedBy } from "../fakes/fake_node_http.ts";
import { knownNode } from "../fixtures/known_nodes.ts";

const KEY = "registry.ollama.ai/library/big:latest";
const NEVER = new AbortController().signal;

/** What an unloader does, step by step. */
class Bed {
  readonly steps: string[] = [];
  readonly clock = new FakeClock();
  nodes: readonly KnownNode[] = [];
  /** Answers what is sent to a node. */
  answer: (signal: AbortSignal) => Promise<number> = () => Promise.resolve(200);
  readonly #aliases: Record<string, string> = { nick: "big" };

  unload(model: string | undefined, { defaultModel, signal = NEVER }: UnloadWishes = {}): Promise<string> {
    return new ModelUnloader({
      config: { aliases: this.#aliases, model: defaultModel },
      clock: this.clock,
      catalog: {
        keyOf: (name) => `registry.ollama.ai/library/${name}:latest`,
        find: (name) => {
          if (name === "big") return Promise.resolve({} as ListedModel);
          return Promise.reject(new GatewayError("model_not_found", `Cannot find model "${name}"`));
        },
      },
      pool: { unload: (key) => this.steps.push(`pool ${key}`) },
      nodes: {
        holdersOf: () => this.nodes,
        refresh: ({ names }) => {
          this.steps.push(`refresh ${names.join()}`);
          return Promise.resolve();
        },
      },
      http: { send: (address, request) => this.#send(address, request) },
    }).unloadModel(model, { signal });
  }

  async #send(address: UpstreamAddress, { target, body, signal }: HttpRequest): Promise<HttpResponse> {
    const host = address.transport === "tcp" ? address.hostname : "";
    this.steps.push(`${host} ${target} ${new TextDecoder().decode(body as Uint8Array)}`);
    const status = await this.answer(signal!);
    return { status, headers: [], body: { bytes: () => Promise.resolve(new Uint8Array(0)) } } as never;
  }
}

interface UnloadWishes {
  readonly defaultModel?: string;
  readonly signal?: AbortSignal;
}

const told = (node: string) => `${node} /api/generate {"model":"${KEY}","keep_alive":0,"stream":false}`;
const loaded = (name: string) => knownNode(name, { loaded: { [KEY]: 5 } });

Deno.test("our coordinator is told, and each node that has the model in memory, after a look at what it has", async () => {
  const bed = new Bed();
  bed.nodes = [loaded("a"), knownNode("b", { held: { [KEY]: 5 } }), loaded("c")];
  equal(await bed.unload("big"), "big");
  deepEqual(bed.steps, [`pool ${KEY}`, "refresh a,b,c", told("a"), told("c"), "refresh a,c"]);
});

Deno.test("a node that works for the model has it, or is loading it", async () => {
  const bed = new Bed();
  bed.nodes = [knownNode("a", { held: { [KEY]: 5 }, isServing: (key) => key === KEY })];
  await bed.unload("big");
  equal(bed.steps.includes(told("a")), true);
});

Deno.test("nodes that are down, or may not serve the model, are left alone", async () => {
  const bed = new Bed();
  bed.nodes = [
    knownNode("a", { loaded: { [KEY]: 5 }, health: "down" }),
    knownNode("b", { loaded: { [KEY]: 5 }, allowed: [] }),
  ];
  await bed.unload("big");
  deepEqual(bed.steps, [`pool ${KEY}`]);
});

Deno.test("what nobody has in memory is unloaded", async () => {
  const bed = new Bed();
  equal(await bed.unload("big"), "big");
  deepEqual(bed.steps, [`pool ${KEY}`]);
});

Deno.test("an alias means its model, and is answered by its own name; no name means the default", async () => {
  const bed = new Bed();
  equal(await bed.unload("nick"), "nick");
  equal(await bed.unload(undefined, { defaultModel: "big" }), "big");
  deepEqual(bed.steps, [`pool ${KEY}`, `pool ${KEY}`]);
});

Deno.test("no name without a default, and a name that nobody knows, are refused before anything is unloaded", async () => {
  const bed = new Bed();
  await rejects(bed.unload(undefined), { code: "invalid_request", field: "model" });
  await rejects(bed.unload("other"), { code: "model_not_found" });
  deepEqual(bed.steps, []);
});

for (
  const { name, answer, why } of [
    { name: "refuses", answer: () => Promise.resolve(500), why: /a answered with status 500/ },
    {
      name: "cannot be reached",
      answer: () => Promise.reject(refusedBy(1)),
      why: /a: .*refused/i,
    },
  ]
) {
  Deno.test(`a node that ${name} is told of, the others are told nevertheless`, async () => {
    const bed = new Bed();
    bed.nodes = [loaded("a"), loaded("b")];
    let count = 0;
    bed.answer = () => count++ === 0 ? answer() : Promise.resolve(200);
    await rejects(bed.unload("big"), (error: unknown) => {
      equal(error instanceof GatewayError && error.code, "backend_unreachable");
      match((error as Error).message, /^Cannot unload "big" everywhere: /);
      match((error as Error).message, why);
      return true;
    });
    equal(bed.steps.includes(told("b")), true);
  });
}

Deno.test("a node that does not hold the model any more has unloaded it", async () => {
  const bed = new Bed();
  bed.nodes = [loaded("a")];
  bed.answer = () => Promise.resolve(404);
  equal(await bed.unload("big"), "big");
});

Deno.test("a node that does not answer is not waited for longer than 5 s", async () => {
  const bed = new Bed();
  bed.nodes = [loaded("a")];
  const asked = Promise.withResolvers<void>();
  bed.answer = (signal) => {
    asked.resolve();
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const refused = rejects(bed.unload("big"), /a did not answer within 5\.0 s/);
  await asked.promise;
  bed.clock.advance(5_000);
  await refused;
});

Deno.test("a client that leaves ends it with its own reason", async () => {
  const bed = new Bed();
  bed.nodes = [loaded("a")];
  const left = new AbortController();
  bed.answer = (signal) => {
    left.abort(new Error("left"));
    return Promise.reject(signal.reason);
  };
  await rejects(bed.unload("big", { signal: left.signal }), /^Error: left$/);
});
