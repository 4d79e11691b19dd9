import type { Random } from "../../lib/gguf/seeded_random.ts";
import { joinBytes } from "../../lib/join_bytes.ts";
import { type BadBody, oddBodies, unreadableBodies } from "../fixtures/bad_bodies.ts";
import {
  inferenceRequests,
  managementRequests,
  operatorRequests,
  type ValidRequest,
} from "../fixtures/valid_requests.ts";
import { mutations } from "./mutate.ts";
import { mutateJson } from "./mutate_json.ts";
import type { RawRequest } from "./raw_http.ts";

/** What requests are made of. */
export interface CaseOptions {
  /** Models that there are. */
  readonly models: readonly string[];
  readonly clientKey: string;
  readonly workerToken: string;
}

/**
 * Mutated requests over all routes, without end; an equally seeded `random` gives the same ones. Some are right, some are
 * wrong in their JSON, some byte for byte, some in their head, and some clients leave.
 */
export function* requestCases(random: Random, options: CaseOptions): Generator<RawRequest, never> {
  const make = new CaseMaker(random, options);
  while (true) yield make.next();
}

/** A request before it is bytes. */
interface Draft {
  method: string;
  path: string;
  headers: [string, string][];
  body: Uint8Array<ArrayBuffer> | undefined;
  how: string[];
  /** What the head says of the body's length, where it is not the truth. */
  framing?: string;
  isWellFramed: boolean;
  leavesAfterBytes?: number;
}

const encoder = new TextEncoder();

const LISTINGS = [
  ..."/ /health /metrics /openapi.json /docs /v1/models /v1/models/none /v1/files /v1/batches".split(" "),
  ..."/api/tags /api/ps /api/version /api/status /props?model=ranker /slots?model=ranker".split(" "),
  ..."/props /slots?model=none /v1/files/file-1 /v1/files/file-1/content /v1/batches/batch_1".split(" "),
  ..."/api/admin/route?model=ranker&task=chat /api/admin/decisions?limit=3 /api/admin/loads".split(" "),
  ..."/api/admin/coordinators /api/admin/coordinators/none /api/admin/coordinators/none/log".split(" "),
  ..."/api/admin/nodes?models=false /api/admin/rpc-backends /api/admin/workers /none".split(" "),
];

const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "FOO",
  "get",
  "PROPFIND",
];

const NASTY_HEADERS: readonly (readonly [string, readonly string[]])[] = [
  ["x-sollol-priority", ["0", "10", "11", "-1", "1e9", "high", "", "\xff"]],
  ["x-sollol-max-wait", ["1s", "0", "-5", "1e400", "99999999999h", "soon", ""]],
  ["x-sollol-keep-alive", ["5m", "0", "-1", "NaN", "1e30", "for ever"]],
  ["x-sollol-route", ["node", "sharded", "attic", "a,b", "../..", " ", "x".repeat(600)]],
  ["x-sollol-routing", ["true", "false", "1", "yes", ""]],
  ["x-sollol-node", ["a", "none", "http://127.0.0.1:1", "*", ""]],
  ["x-sollol-request-id", ["mine", "\x01", "x".repeat(300)]],
  ["content-type", [
    "text/plain",
    "multipart/form-data",
    "multipart/form-data; boundary=a",
    "application/xml",
    "",
  ]],
  ["content-encoding", ["gzip", "identity", "br", "deflate, gzip", "x"]],
  ["accept", ["text/event-stream", "application/json", "*/*;q=0"]],
  ["accept-encoding", ["gzip", "br;q=1, *;q=0"]],
  ["origin", ["http://evil.example", "null", "http://localhost"]],
  ["sec-fetch-site", ["cross-site", "same-origin"]],
  ["anthropic-version", ["2023-06-01", "x"]],
  ["anthropic-beta", ["prompt-caching-2024-07-31", ","]],
  ["user-agent", ["ollama/0.1", "x".repeat(5_000)]],
  ["range", ["bytes=0-1", "bytes=9-1"]],
  ["last-event-id", ["1", "x"]],
  ["authorization", ["Bearer nobody", "Basic YTpi", "Bearer ", "x"]],
  ["x-api-key", ["nobody", "x".repeat(300)]],
  ["connection", ["close", "keep-alive, x"]],
  ["cookie", ["a=b; c"]],
];

class CaseMaker {
  readonly #requests: readonly ValidRequest[];
  /** Made when they are first wanted: some are long. */
  readonly #odd: BadBody[][] = [];
  readonly #bytes: readonly Generator<{ bytes: Uint8Array<ArrayBuffer>; how: string }, never>[];

  constructor(private readonly random: Random, private readonly options: CaseOptions) {
    this.#requests = options.models.flatMap((model) => [
      ...inferenceRequests({ chat: model, embedding: model }),
      ...managementRequests({ chat: model }),
      ...operatorRequests({ chat: model }),
    ]);
    this.#bytes = this.#requests.map(({ body }) => mutations(encoder.encode(JSON.stringify(body)), random));
  }

  next(): RawRequest {
    const draft = this.#draft();
    if (this.#chance(0.1)) this.#mutatePath(draft);
    if (this.#chance(0.06)) this.#mutateMethod(draft);
    while (this.#chance(0.2)) this.#addHeader(draft);
    if (this.#chance(0.05)) this.#mutateFraming(draft);
    if (this.#chance(0.1)) draft.leavesAfterBytes = this.#below(this.#chance(0.5) ? 600 : 3);
    return this.#toRaw(draft);
  }

  #draft(): Draft {
    const kind = this.random();
    if (kind < 0.12) return this.#draftOf("GET", this.#pick(LISTINGS), undefined, "a listing");
    if (kind < 0.15) return this.#upload();
    if (kind < 0.17) return this.#blob();
    const index = this.#below(this.#requests.length);
    const { method, path, body } = this.#requests[index]!;
    const [bytes, how] = this.#bodyOf(index, body);
    return this.#draftOf(method, path, bytes, how);
  }

  #bodyOf(index: number, body: ValidRequest["body"]): readonly [Uint8Array<ArrayBuffer>, string] {
    const kind = this.random();
    if (kind < 0.1) return [encoder.encode(JSON.stringify(body)), "right"];
    if (kind < 0.65) return mutateJson(body, this.random, this.#pick(this.#requests).body);
    if (kind < 0.9) {
      const { bytes, how } = this.#bytes[index]!.next().value;
      return [bytes, how];
    }
    const { bytes, name } = this.#pick(this.#chance(0.2) ? UNREADABLE : this.#odd[index] ??= oddBodies(body));
    return [bytes, name];
  }

  #draftOf(method: string, path: string, body: Draft["body"], how: string): Draft {
    const { clientKey, workerToken } = this.options;
    const key = path.startsWith("/api/workers") ? workerToken : clientKey;
    const headers: [string, string][] = [["host", "127.0.0.1"]];
    if (!this.#chance(0.02)) headers.push(["authorization", `Bearer ${key}`]);
    if (body !== undefined) headers.push(["content-type", "application/json"]);
    return { method, path, headers, body, how: [how], isWellFramed: true };
  }

  #upload(): Draft {
    const line = {
      custom_id: "a",
      method: "POST",
      url: "/v1/chat/completions",
      body: this.#requests[0]!.body,
    };
    const parts = [
      '--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n',
      `--b\r\ncontent-disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n${
        JSON.stringify(line)
      }\n\r\n--b--\r\n`,
    ];
    const valid = encoder.encode(parts.join(""));
    const bytes = this.#chance(0.2) ? valid : mutations(valid, this.random).next().value.bytes;
    const draft = this.#draftOf("POST", "/v1/files", bytes, "an upload");
    draft.headers[draft.headers.length - 1] = ["content-type", "multipart/form-data; boundary=b"];
    return draft;
  }

  #blob(): Draft {
    const digest = this.#pick([
      "sha256:" + "0".repeat(64),
      "sha256-" + "a".repeat(64),
      "md5:x",
      "sha256:x",
      "%00",
    ]);
    const method = this.#pick(["HEAD", "POST", "GET"]);
    const body = method === "POST" ? encoder.encode("x".repeat(this.#below(3_000))) : undefined;
    return this.#draftOf(method, `/api/blobs/${digest}`, body, "a blob");
  }

  #mutatePath(draft: Draft): void {
    const at = this.#below(draft.path.length + 1);
    const piece = this.#pick([
      "/",
      "//",
      "%2f",
      "%00",
      "%ff",
      "..",
      "/../",
      "?",
      "&a=b",
      "%",
      "#",
      ";",
      "\x7f",
      "é",
      " ",
    ]);
    const path = this.#pick([
      draft.path.slice(0, at) + piece + draft.path.slice(at),
      draft.path + "/",
      `${draft.path}?model=${piece}&limit=${this.#pick(["0", "-1", "1e9", "x", ""])}&task=x&after=${piece}`,
      draft.path.toUpperCase(),
      draft.path.slice(0, at) || "/",
      `${draft.path}/${"x".repeat(this.#pick([10, 3_000]))}`,
      `http://other.example${draft.path}`,
      draft.path.slice(1),
    ]);
    draft.path = path;
    draft.how.push("path");
    if (!/^\/[\x21-\x7e]*$/.test(path)) draft.isWellFramed = false; // no request line
  }

  #mutateMethod(draft: Draft): void {
    draft.method = this.#pick(METHODS);
    draft.how.push(`method ${draft.method}`);
  }

  #addHeader(draft: Draft): void {
    const [name, values] = this.#pick(NASTY_HEADERS);
    const value = this.#pick(values);
    draft.headers = draft.headers.filter(([other]) => other !== name || this.#chance(0.2));
    draft.headers.push([name, value]);
    draft.how.push(`${name}: ${value.slice(0, 40)}`);
    if (/[^\t\x20-\x7e]/.test(value)) draft.isWellFramed = false; // no header
  }

  #mutateFraming(draft: Draft): void {
    const length = draft.body?.byteLength ?? 0;
    const framings: readonly (readonly [string, boolean])[] = [
      ["transfer-encoding: chunked", true],
      [`content-length: ${length + 5}`, false],
      [`content-length: ${Math.max(0, length - 3)}`, false],
      ["content-length: -1", false],
      ["content-length: 1e3", false],
      ["content-length: 99999999999999999999", false],
      [`content-length: ${length}\r\ncontent-length: 3`, false],
      [`content-length: ${length}\r\ntransfer-encoding: chunked`, false],
      ["transfer-encoding: gzip, chunked", false],
      ["content-length: 40000000", false],
    ];
    const [framing, isWellFramed] = this.#pick(framings);
    draft.framing = framing;
    draft.isWellFramed &&= isWellFramed;
    draft.how.push(framing.slice(0, 60));
  }

  #toRaw({ method, path, headers, body, how, framing, isWellFramed, leavesAfterBytes }: Draft): RawRequest {
    const isChunked = framing === "transfer-encoding: chunked";
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const length = framing ?? (body === undefined ? undefined : `content-length: ${body.byteLength}`);
    const head = `${method} ${path} HTTP/1.1\r\n${lines}${length === undefined ? "" : `${length}\r\n`}\r\n`;
    const sent = isChunked
      ? chunked(body ?? new Uint8Array(), this.#below(50) + 1)
      : body ?? new Uint8Array();
    const bytes = joinBytes([encoder.encode(head), sent]);
    const cut = leavesAfterBytes === 0 ? this.#below(bytes.byteLength) : bytes.byteLength;
    return {
      ...{ method, path, how: how.join(", "), leavesAfterBytes },
      bytes: bytes.slice(0, cut),
      isWellFramed: isWellFramed && cut === bytes.byteLength,
    };
  }

  #chance(share: number): boolean {
    return this.random() < share;
  }

  #below(bound: number): number {
    return Math.floor(this.random() * bound);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }
}

const UNREADABLE = unreadableBodies();

function chunked(body: Uint8Array, pieceBytes: number): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.byteLength; at += pieceBytes) {
    const piece = body.subarray(at, at + pieceBytes);
    pieces.push(encoder.encode(`${piece.byteLength.toString(16)}\r\n`), piece, encoder.encode("\r\n"));
  }
  return joinBytes([...pieces, encoder.encode("0\r\n\r\n")]);
}
