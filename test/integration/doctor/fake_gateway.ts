/** What a {@linkcode FakeGateway} says of itself. */
export interface FakeGatewayNature {
  /** Of its sollol. */
  readonly version: string;
  /** The key that it wants; default none. */
  readonly key?: string;
}

/** A gateway that knows nobody but one coordinator, as far as its admin API tells. */
export class FakeGateway implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor({ version, key }: FakeGatewayNature, port = 0) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, (request) => {
      const { pathname } = new URL(request.url);
      const isShown = key === undefined || request.headers.get("authorization") === `Bearer ${key}`;
      if (pathname === "/health") return Response.json({ status: "ok", version, mode: "single" });
      if (!isShown) {
        return Response.json({ error: { code: "unauthorized", message: "wants a key" } }, { status: 401 });
      }
      const answer = ANSWERS[pathname];
      return answer ? Response.json(answer) : new Response(null, { status: 404 });
    });
  }

  /** `http://127.0.0.1:PORT`. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

const ANSWERS: Readonly<Record<string, unknown>> = {
  "/api/admin/nodes": { nodes: [], conflicts: [] },
  "/api/admin/rpc-backends": { backends: [] },
  "/api/admin/coordinators": { coordinators: [] },
  "/api/admin/workers": { workers: [] },
  "/v1/models": { data: [{ id: "tiny:latest" }] },
};
