import { deepEqual, equal, ok } from "node:assert/strict";
import { MIB } from "../../../lib/units.ts";
import { nodeAt } from "../../fixtures/routing_bed.ts";
import { until } from "../../fixtures/until.ts";
import { OllamaBed } from "./ollama_bed.ts";

/** A busy machine gets more than it should need. */
const SOON = { withinMs: 10_000 };
const DIGEST = `sha256:${"a".repeat(64)}`;
/** What sockets on the way may hold. */
const HELD_BYTES = 48 * MIB;
const BLOB_BYTES = 96 * MIB;

/** A node that takes blobs when it is let. */
class BlobNode implements AsyncDisposable {
  takenBytes = 0;
  hasEnded = false;
  isBroken = false;
  declaredBytes: string | null = null;
  readonly #let = Promise.withResolvers<void>();
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => this.#answer(request),
  );

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** From here on it reads. */
  take(): void {
    this.#let.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.take();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/version") return Response.json({ version: "0.33.0" });
    if (!pathname.startsWith("/api/blobs/")) return Response.json({ models: [] });
    this.declaredBytes = request.headers.get("content-length");
    await this.#let.promise;
    try {
      for await (const piece of request.body!) this.takenBytes += piece.byteLength;
      this.hasEnded = true;
    } catch {
      this.isBroken = true;
    }
    return new Response(null, { status: 201 });
  }
}

/** A blob that counts what was taken of it. */
function countedBlob(bytes: number) {
  const counted = { bytes: 0, stream: undefined as unknown as ReadableStream<Uint8Array> };
  counted.stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (counted.bytes >= bytes) return controller.close();
      counted.bytes += MIB;
      controller.enqueue(new Uint8Array(MIB));
    },
  }, { highWaterMark: 0 });
  return counted;
}

/** Waits until a number has stayed the same for a while. */
async function settled(read: () => number): Promise<number> {
  let [last, sinceMs] = [read(), performance.now()];
  await until(
    () => {
      if (read() !== last) [last, sinceMs] = [read(), performance.now()];
      return last > 0 && performance.now() - sinceMs > 300;
    },
    "the client is held up",
    SOON,
  );
  return last;
}

Deno.test("a blob is taken from the client no faster than the node takes it, and is passed whole", async () => {
  await using node = new BlobNode();
  await using bed = await OllamaBed.open({ nodes: [nodeAt(node.url)] });
  const blob = countedBlob(BLOB_BYTES);
  const sending = fetch(`${bed.url}/api/blobs/${DIGEST}`, { method: "POST", body: blob.stream });
  ok(await settled(() => blob.bytes) < HELD_BYTES, `${blob.bytes / MIB} MiB are held on the way`);
  node.take();
  const response = await sending;
  await response.body?.cancel();
  equal(response.status, 201);
  deepEqual([node.takenBytes, node.hasEnded, node.declaredBytes], [BLOB_BYTES, true, null]);
});

Deno.test("the length of a blob is passed on where the client tells it", async () => {
  await using node = new BlobNode();
  await using bed = await OllamaBed.open({ nodes: [nodeAt(node.url)] });
  node.take();
  const response = await fetch(`${bed.url}/api/blobs/${DIGEST}`, {
    method: "POST",
    body: new Uint8Array(3 * MIB),
  });
  await response.body?.cancel();
  equal(response.status, 201);
  deepEqual([node.takenBytes, node.declaredBytes], [3 * MIB, String(3 * MIB)]);
});

for (
  const { name, head } of [
    { name: "of a known length", head: "content-length: 10000000\r\n\r\n" },
    { name: "in chunks", head: "transfer-encoding: chunked\r\n\r\n5\r\n" },
  ]
) {
  Deno.test(`a client that leaves amid a blob ${name} does not make the node take it for whole`, async () => {
    await using node = new BlobNode();
    await using bed = await OllamaBed.open({ nodes: [nodeAt(node.url)] });
    node.take();
    const { hostname, port } = new URL(bed.url);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const text = `POST /api/blobs/${DIGEST} HTTP/1.1\r\nhost: gateway\r\n${head}begin`;
    await connection.write(new TextEncoder().encode(text));
    await until(() => node.takenBytes === 5, "the beginning has come through", SOON);
    connection.close();
    await until(() => node.isBroken, "the node is told", SOON);
    equal(node.hasEnded, false);
    deepEqual(bed.bugs, []);
  });
}
