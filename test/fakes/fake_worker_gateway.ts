import { type WorkerReport, workerReport } from "../../lib/rpc/worker_report.ts";

/** A request that a worker sent. */
export interface WorkerRequest {
  readonly method: string;
  /** Decoded. */
  readonly name: string;
  readonly authorization: string | null;
  /** Valid by the rules of the wire; none of a DELETE. */
  readonly report: WorkerReport | undefined;
}

/** How it answers; the default takes every report, and its backends are used by nobody. */
export type WorkerAnswer = (request: WorkerRequest) => Response | Promise<Response>;

/** The gateway's side of `/api/workers/{name}` and nothing else. A report that is not valid fails the test by 400. */
export class FakeWorkerGateway implements AsyncDisposable {
  readonly requests: WorkerRequest[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Listens at once. */
  constructor(public answer: WorkerAnswer = () => taken(), port = 0) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen: () => {} },
      (request) => this.#handle(request),
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get reports(): WorkerReport[] {
    return this.requests.flatMap(({ report }) => report ?? []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #handle(request: Request): Promise<Response> {
    const [, name] = /^\/api\/workers\/([^/]+)$/.exec(new URL(request.url).pathname) ?? [];
    if (name === undefined) return new Response("no such page", { status: 404 });
    const checked = request.method === "PUT" ? workerReport.safeParse(await request.json()) : undefined;
    if (checked && !checked.success) return refusal(400, JSON.stringify(checked.error.issues));
    const received = {
      method: request.method,
      name: decodeURIComponent(name),
      authorization: request.headers.get("authorization"),
      report: checked?.data,
    };
    this.requests.push(received);
    return await this.answer(received);
  }
}

/** The answer to a report that was taken. */
export function taken(inUse: readonly string[] = [], timeoutMs = 6_000): Response {
  return Response.json({
    timeout_ms: timeoutMs,
    in_use: inUse.map((endpoint) => ({ endpoint, holder: "llama3:70b" })),
  });
}

/** The answer to one that was not. */
export function refusal(status: number, message: string, headers: HeadersInit = {}): Response {
  return Response.json({ error: { message } }, { status, headers });
}
