import { createHash } from "node:crypto";
import type { OllamaBody } from "./fake_ollama_dialect.ts";
import { readOllamaBody } from "./fake_ollama_body.ts";
import type { FakeOllamaExchange } from "./fake_ollama_exchange.ts";
import { type FakeOllamaModel, type KnownFakeModel, modelKey } from "./fake_ollama_model.ts";
import { FakeRefusal } from "./fake_ollama_refusal.ts";

/** What a fake node does to its models. */
export interface FakeManagementAccess {
  /** By `modelKey()`. */
  readonly models: ReadonlyMap<string, KnownFakeModel>;
  add(model: FakeOllamaModel): void;
  remove(name: string): void;
}

/** Bytes of each blob that is pulled. */
export const PULLED_BYTES = 1_000;
/** Lines that tell of one blob. */
const BLOB_STEPS = 4;

/** Pulls, pushes, makes, copies and deletes models, as Ollama does, without a registry: any name can be pulled but those that begin with `missing`. */
export class FakeOllamaManagement {
  /** Between two lines of progress, ms. */
  stepMs = 0;
  /** What goes wrong after the first blob; `undefined`: nothing. */
  failure: string | undefined;
  /** Whether the connection breaks there instead. */
  isCut = false;
  /** Orders whose client left before they were done. */
  abandonedCount = 0;
  /** Digests of the blobs that are there. */
  readonly blobs = new Set<string>();

  constructor(private readonly access: FakeManagementAccess) {}

  /** Whether a path is one of these. */
  handles(path: string): boolean {
    return /^\/api\/(pull|push|create|copy|delete|blobs\/.+)$/.test(path);
  }

  /** Answers. @throws {FakeRefusal} */
  async answer(exchange: FakeOllamaExchange): Promise<false> {
    const { path, body } = exchange.request;
    if (path.startsWith("/api/blobs/")) this.#blob(exchange, path.slice("/api/blobs/".length));
    else {
      const said = readOllamaBody(body, path);
      if (path === "/api/copy") this.#copy(exchange, said);
      else if (path === "/api/delete") this.#delete(exchange, said);
      else await this.#progress(exchange, path, said);
    }
    return false;
  }

  #blob(exchange: FakeOllamaExchange, digest: string): void {
    const { method, body } = exchange.request;
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new FakeRefusal(400, "invalid digest format");
    const isThere = this.blobs.has(digest);
    if (method === "HEAD") return exchange.send(isThere ? 200 : 404, "", {});
    const found = `sha256:${createHash("sha256").update(body).digest("hex")}`;
    if (!isThere && found !== digest) {
      throw new FakeRefusal(400, `digest mismatch, expected "${digest}", got "${found}"`);
    }
    this.blobs.add(digest);
    exchange.send(isThere ? 200 : 201, "", {});
  }

  #copy(exchange: FakeOllamaExchange, { source, destination }: OllamaBody): void {
    const model = this.access.models.get(modelKey(String(source)));
    if (!model) throw new FakeRefusal(404, `model "${source}" not found`);
    this.access.add({ ...model, name: String(destination) });
    exchange.send(200, "", {});
  }

  #delete(exchange: FakeOllamaExchange, said: OllamaBody): void {
    const name = nameIn(said);
    if (!this.access.models.has(modelKey(name))) throw new FakeRefusal(404, `model '${name}' not found`);
    this.access.remove(name);
    exchange.send(200, "", {});
  }

  async #progress(exchange: FakeOllamaExchange, path: string, said: OllamaBody): Promise<void> {
    const name = nameIn(said);
    const lines = path === "/api/pull" ? pullLines(name) : path === "/api/push" ? PUSH_LINES : CREATE_LINES;
    for (const line of lines) {
      const isOver = "error" in line;
      this.#send(exchange, line);
      await exchange.pause(this.stepMs);
      if (exchange.isGone) return void this.abandonedCount++;
      if (isOver) return exchange.endStream();
      if (line["completed"] !== PULLED_BYTES) continue;
      if (this.isCut) return await exchange.reset();
      if (this.failure === undefined) continue;
      this.#send(exchange, { error: this.failure });
      return exchange.endStream();
    }
    if (path !== "/api/push") this.access.add({ name: name.includes(":") ? name : `${name}:latest` });
    this.#send(exchange, { status: "success" });
    exchange.endStream();
  }

  #send(exchange: FakeOllamaExchange, line: Record<string, unknown>): void {
    const text = `${JSON.stringify(line)}\n`;
    if (exchange.isStreaming) exchange.sendPiece(text);
    else exchange.beginStream("application/x-ndjson", text);
  }
}

/** Two blobs; their digests are those of the model, whoever pulls it. */
function pullLines(name: string): Record<string, unknown>[] {
  if (name.startsWith("missing")) {
    return [{ status: "pulling manifest" }, { error: "pull model manifest: file does not exist" }];
  }
  const digests = ["weights", "template"].map((part) =>
    createHash("sha256").update(`${modelKey(name)} ${part}`).digest("hex")
  );
  return [
    { status: "pulling manifest" },
    ...digests.flatMap(blobLines),
    { status: "verifying sha256 digest" },
    { status: "writing manifest" },
  ];
}

function blobLines(hex: string): Record<string, unknown>[] {
  return Array.from({ length: BLOB_STEPS + 1 }, (_, step) => ({
    status: `pulling ${hex.slice(0, 12)}`,
    digest: `sha256:${hex}`,
    total: PULLED_BYTES,
    ...(step > 0 && { completed: PULLED_BYTES * step / BLOB_STEPS }),
  }));
}

const PUSH_LINES: readonly Record<string, unknown>[] = [{ status: "retrieving manifest" }, {
  status: "pushing manifest",
}];
const CREATE_LINES: readonly Record<string, unknown>[] = [{ status: "parsing GGUF" }, {
  status: "writing manifest",
}];

function nameIn(said: OllamaBody): string {
  const name = said["model"] || said["name"];
  if (typeof name !== "string" || name === "") throw new FakeRefusal(400, "model is required");
  return name;
}
