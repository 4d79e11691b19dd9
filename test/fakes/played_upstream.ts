import type { UpstreamAddress } from "../../lib/http/address.ts";
import { ok, type Peer, ScriptedServer } from "./scripted_server.ts";

/** What an upstream is asked that needs a model. */
export interface PlayedRequest {
  readonly path: string;
  readonly body: string;
}

/** Answers one request. When it returns `false`, the connection is closed. */
export type Play = (peer: Peer, request: PlayedRequest) => Promise<boolean | void>;

/** The model that a played node holds. */
export const PLAYED_MODEL = "llama3:8b";

/** A node or a llama-server whose checks are answered as they should be, and all else byte by byte as the test says. */
export class PlayedUpstream implements AsyncDisposable {
  /** What it was asked, without its checks. */
  readonly asked: PlayedRequest[] = [];
  readonly #server: ScriptedServer;

  constructor(play: Play) {
    this.#server = ScriptedServer.start(async (peer) => {
      for (;;) {
        const { head, body } = await peer.receive();
        const path = head.split(" ")[1]!;
        const checked = CHECKS[path];
        if (checked) {
          await peer.send(ok(JSON.stringify(checked)));
          continue;
        }
        const request = { path, body: new TextDecoder().decode(body) };
        this.asked.push(request);
        if (await play(peer, request) === false) return;
      }
    });
  }

  get address(): UpstreamAddress {
    return this.#server.address;
  }

  get url(): string {
    const { address } = this;
    return address.transport === "tcp" ? `http://${address.hostname}:${address.port}` : "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

const CHECKS: Readonly<Record<string, unknown>> = {
  "/api/version": { version: "0.33.0" },
  "/api/tags": {
    models: [{ name: PLAYED_MODEL, model: PLAYED_MODEL, size: 5, digest: "a".repeat(64), details: {} }],
  },
  "/api/ps": { models: [] },
};

/** The head of a stream, whose pieces are chunks. */
export function streamHead(type: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
}

/** A piece of a stream; the empty one ends it. */
export function chunk(text: string): string {
  return `${new TextEncoder().encode(text).byteLength.toString(16)}\r\n${text}\r\n`;
}

/** An answer of JSON. */
export function json(status: number, value: unknown): string {
  const body = JSON.stringify(value);
  const length = new TextEncoder().encode(body).byteLength;
  return `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`;
}
