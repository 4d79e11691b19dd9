import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { type Clock, systemClock } from "../../../lib/clock.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { HttpClient } from "../../../lib/http/client.ts";
import { parseUpstreamUrl } from "../../../lib/http/address.ts";
import { LoadedLook } from "../../../lib/router/loaded_look.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const { signal } = new AbortController();

/** What a llama-server answers, and what it was asked. */
class Server implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: () => Response | Promise<Response>) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      this.asked.push(`${new URL(request.url).pathname} ${request.headers.get("authorization")}`);
      return answer();
    });
  }

  get address() {
    return parseUpstreamUrl(`http://127.0.0.1:${this.#server.addr.port}`).address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

const headers = [["authorization", "Bearer own-secret"]] as const;

/** Like the real one it has its headers from a getter, which a copy of its fields would not have. */
class External {
  readonly url = "http://x:1";
  readonly basePath = "/llama";

  constructor(readonly address: Server["address"]) {}

  get headers() {
    return headers;
  }
}

interface Shelf {
  readonly own?: readonly string[];
  readonly others?: readonly string[];
  readonly model?: string;
}

function lookAt(
  server: Pick<Server, "address">,
  http: HttpClient,
  { own = [], others = [], model }: Shelf,
  clock: Clock = systemClock,
): LoadedLook {
  const { address } = server;
  const isOwn = (key: string) => own.includes(key);
  return new LoadedLook({
    config: { model, aliases: { nick: "a" }, timeouts: { connectMs: 1_000 } },
    pool: {
      views: () => own.map((key) => ({ key })),
      running: (key: string) =>
        isOwn(key) ? { upstream: `coordinator of ${key}`, address, headers } : undefined,
    },
    externals: {
      facts: others.map((key) => ({
        ...{
          url: "http://x:1",
          health: "up",
          reason: "",
          modelKeys: new Set([key]),
          mayServeMore: false,
        } as const,
      })),
      acquire: (key: string) =>
        others.includes(key)
          ? {
            external: new External(address),
            [Symbol.dispose]: () => {},
          }
          : undefined,
    },
    catalog: {
      keyOf: (name: string) => name,
      find: (name: string) =>
        name === "stored"
          ? Promise.resolve({})
          : Promise.reject(new GatewayError("model_not_found", `There is no model "${name}"`)),
    },
    http,
    clock,
  });
}

const PROPS = () => Response.json({ model_path: "/srv/m.gguf", total_slots: 4 });

for (
  const { name, shelf, model, asked } of [
    { name: "a coordinator of ours by its model", shelf: { own: ["a", "b"] }, model: "a", asked: "/props" },
    { name: "it by an alias of the model", shelf: { own: ["a", "b"] }, model: "nick", asked: "/props" },
    {
      name: "the operator's model",
      shelf: { own: ["a", "b"], model: "b" },
      model: undefined,
      asked: "/props",
    },
    { name: "the only one that is loaded", shelf: { own: ["a"] }, model: undefined, asked: "/props" },
    { name: "a coordinator of others", shelf: { others: ["c"] }, model: "c", asked: "/llama/props" },
    { name: "the only one of others", shelf: { others: ["c"] }, model: undefined, asked: "/llama/props" },
  ] satisfies { name: string; shelf: Shelf; model: string | undefined; asked: string }[]
) {
  Deno.test(`look() shows ${name}, without its paths`, async () => {
    await using server = new Server(PROPS);
    using http = new HttpClient();
    deepEqual(await lookAt(server, http, shelf).look("/props", model, signal), { total_slots: 4 });
    deepEqual(server.asked, [`${asked} Bearer own-secret`]);
  });
}

for (
  const { name, shelf, model, code, message } of [
    {
      name: "a model that is only stored",
      shelf: {},
      model: "stored",
      code: "conflict",
      message: /is not loaded on a/,
    },
    {
      name: "a model that nobody has",
      shelf: {},
      model: "none",
      code: "model_not_found",
      message: /no model "none"/,
    },
    {
      name: "nothing, where nothing is loaded",
      shelf: {},
      model: undefined,
      code: "conflict",
      message: /No model is loaded/,
    },
    {
      name: "one of several that nobody named",
      shelf: { own: ["a"], others: ["c"] },
      model: undefined,
      code: "invalid_request",
      message: /^2 models are loaded; name one/,
    },
  ] satisfies { name: string; shelf: Shelf; model: string | undefined; code: string; message: RegExp }[]
) {
  Deno.test(`look() does not show ${name}`, async () => {
    await using server = new Server(PROPS);
    using http = new HttpClient();
    await rejects(lookAt(server, http, shelf).look("/slots", model, signal), (error) => {
      match((error as GatewayError).message, message);
      return error instanceof GatewayError && error.code === code;
    });
    deepEqual(server.asked, []);
  });
}

for (
  const [name, answer] of [
    ["refuses", () => Response.json({ error: { message: "/srv/secret" } }, { status: 501 })],
    ["answers no JSON", () => new Response("<html>")],
  ] as const
) {
  Deno.test(`look() says that a llama-server ${name}`, async () => {
    await using server = new Server(answer);
    using http = new HttpClient();
    await rejects(lookAt(server, http, { own: ["a"] }).look("/props", "a", signal), (error) => {
      match((error as GatewayError).message, /^The coordinator of a did not tell its \/props: /);
      equal((error as GatewayError).message.includes("secret"), false);
      return error instanceof GatewayError && error.code === "upstream_failed";
    });
  });
}

Deno.test("look() ends when its client leaves", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using server = new Server(() => promise);
  using http = new HttpClient();
  const left = new AbortController();
  const looking = lookAt(server, http, { own: ["a"] }).look("/props", "a", left.signal);
  left.abort(new DOMException("gone", "AbortError"));
  await rejects(looking, { name: "AbortError" });
  resolve(PROPS());
});

/** A body of which only the beginning comes; `begun` resolves when it has. */
function stalling(): {
  readonly answer: () => Response;
  readonly begun: Promise<void>;
  readonly end: () => void;
} {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const body = () =>
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(new TextEncoder().encode(`{"total_slots":`));
        begun.resolve();
        await ended.promise;
        controller.close();
      },
    }, { highWaterMark: 0 });
  return { answer: () => new Response(body()), begun: begun.promise, end: ended.resolve };
}

Deno.test("look() gives up an answer that does not come to its end", async () => {
  const { answer, begun, end } = stalling();
  await using server = new Server(answer);
  using http = new HttpClient();
  const clock = new FakeClock();
  const looking = lookAt(server, http, { own: ["a"] }, clock).look("/props", "a", signal);
  const refused = rejects(looking, {
    code: "upstream_failed",
    message: "The coordinator of a did not tell its /props: no answer within 5.0 s; ask again",
  });
  await begun;
  clock.advance(5_000);
  await refused;
  end();
});

Deno.test("look() says that a llama-server broke off", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(4_096));
    await connection.write(new TextEncoder().encode(`HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"a":`));
  })();
  using http = new HttpClient();
  const server = { address: parseUpstreamUrl(`http://127.0.0.1:${listener.addr.port}`).address };
  await rejects(lookAt(server, http, { own: ["a"] }).look("/props", "a", signal), {
    code: "upstream_failed",
    message: /^The coordinator of a did not tell its \/props: /,
  });
  await serving;
});
