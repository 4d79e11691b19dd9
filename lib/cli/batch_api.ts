import type { Config } from "../config/config.ts";
import type { Batch, BatchEndpoint } from "../tasks/batch.ts";
import { batchListShape, batchShape } from "./batch_shape.ts";
import type { CliHost } from "./command.ts";
import { FileTransfer } from "./file_transfer.ts";
import { GatewayClient } from "./gateway_client.ts";
import { findGateway } from "./gateway_target.ts";

const BATCHES = "/v1/batches";

/** The batches of a gateway that runs. Dispose it to close its connections. */
export class BatchApi implements Disposable {
  private constructor(private readonly client: GatewayClient, private readonly files: FileTransfer) {}

  /**
   * Asks nothing yet.
   *
   * @throws {UsageError} As {@linkcode findGateway} does.
   */
  static of(
    options: { gateway: string | undefined; token: string | undefined },
    config: Pick<Config, "apiKeys" | "listen">,
    { env, signal }: Pick<CliHost, "env" | "signal">,
  ): BatchApi {
    const target = findGateway(options, config, env);
    const client = new GatewayClient(target, { signal });
    return new BatchApi(client, new FileTransfer(target, { client, signal }));
  }

  /** The last batches, the newest first. @throws {GatewayError} If it does not tell. */
  async list(limit: number): Promise<readonly Batch[]> {
    const request = { method: "GET", path: `${BATCHES}?limit=${limit}` };
    return (await this.client.ask(request, batchListShape)).data;
  }

  /** One of them. @throws {GatewayError} `not_found`, or if it does not tell. */
  async get(id: string): Promise<Batch> {
    return await this.client.ask({ method: "GET", path: pathOf(id) }, batchShape);
  }

  /** Begins nothing more of a batch. @throws {GatewayError} `not_found`, `conflict`, or if it does not tell. */
  async cancel(id: string): Promise<Batch> {
    return await this.client.ask({ method: "POST", path: `${pathOf(id)}/cancel` }, batchShape);
  }

  /** Begins a batch. @throws {GatewayError} If that is refused. */
  async create(
    { inputFileId, endpoint, completionWindow }: {
      readonly inputFileId: string;
      readonly endpoint: BatchEndpoint;
      readonly completionWindow: string;
    },
  ): Promise<Batch> {
    const body = { input_file_id: inputFileId, endpoint, completion_window: completionWindow };
    return await this.client.ask({ method: "POST", path: BATCHES, body }, batchShape);
  }

  /** Has a file kept for a batch, however long it takes to send it. @returns Its id. @throws {GatewayError} If that is refused. */
  async upload(name: string, content: Uint8Array): Promise<string> {
    return await this.files.upload(name, content);
  }

  /** The bytes of a file. @throws {GatewayError} `not_found`, or if it does not come whole. */
  download(id: string): AsyncGenerator<Uint8Array, void> {
    return this.files.download(id);
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
    this.files[Symbol.dispose]();
  }
}

function pathOf(id: string): string {
  return `${BATCHES}/${encodeURIComponent(id)}`;
}
