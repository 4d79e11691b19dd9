import * as z from "zod";
import type { BackendRemoval } from "../backend_admin.ts";
import type { Config } from "../config/config.ts";
import { API_KEY_VARIABLE } from "../config/environment.ts";
import { type ErrorCode, GatewayError, STATUS } from "../errors.ts";
import { HttpClient } from "../http/client.ts";
import { HttpError } from "../http/error.ts";
import type { JsonShape } from "../json_shape.ts";
import type { PlanReport } from "../planner/plan_report.ts";
import type { StoredLoad } from "../store/load_rows.ts";
import type { BackendView } from "../rpc/backend.ts";
import { type Endpoint, formatEndpoint } from "../rpc/endpoint.ts";
import { backendListShape, backendRemovalShape, backendViewShape } from "./backend_view_shape.ts";
import type { CliHost } from "./command.ts";
import { findGateway, type GatewayTarget } from "./gateway_target.ts";
import { type ListedWorker, workerListShape } from "./worker_list.ts";
import { storedLoadsShape } from "./stored_load_shape.ts";
import { planReportShape } from "./plan_report_shape.ts";

/** What an operator says of a backend, as they wrote it. */
export interface RegistrationFields {
  /** Such as `15GiB`. */
  readonly memory?: string | undefined;
  /** Such as `110MB`, per second. */
  readonly bandwidth?: string | undefined;
}

/** Longer than the gateway waits for the first verdict of a backend. */
const TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 2_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const BACKENDS = "/api/admin/rpc-backends";

/** The admin API of a gateway that runs. Dispose it to close its connections. */
export class GatewayApi implements Disposable {
  readonly #http = new HttpClient();

  private constructor(
    private readonly target: GatewayTarget,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Asks nothing yet. The configuration's API key goes to a gateway on this machine only, never to another's.
   *
   * @throws {UsageError} If `--gateway` is no URL, neither it nor the configuration says where the gateway is, or the
   *   key is none.
   */
  static of(
    options: { gateway: string | undefined; token: string | undefined },
    config: Pick<Config, "apiKeys" | "listen">,
    { env, signal }: Pick<CliHost, "env" | "signal">,
  ): GatewayApi {
    return new GatewayApi(findGateway(options, config, env), signal);
  }

  /** All rpc backends that the gateway knows. @throws {GatewayError} If it does not tell. */
  async listBackends(): Promise<readonly BackendView[]> {
    return (await this.#ask("GET", BACKENDS, backendListShape)).backends;
  }

  /** Makes a backend known, and waits a little for its first verdict. @throws {GatewayError} If that is refused. */
  async addBackend(endpoint: Endpoint, fields: RegistrationFields = {}): Promise<BackendView> {
    return await this.#ask("POST", BACKENDS, backendViewShape, {
      endpoint: formatEndpoint(endpoint),
      ...fields,
    });
  }

  /** Makes the gateway forget a backend. @throws {GatewayError} If that is refused. */
  async removeBackend(endpoint: Endpoint): Promise<BackendRemoval> {
    const target = `${BACKENDS}/${encodeURIComponent(formatEndpoint(endpoint))}`;
    return await this.#ask("DELETE", target, backendRemovalShape);
  }

  /**
   * What would happen there if a model were loaded.
   *
   * @param question The body of `POST /api/admin/plan`; fields that are `undefined` are left out.
   * @throws {GatewayError} If it does not tell.
   */
  async plan(question: Readonly<Record<string, unknown>>): Promise<PlanReport> {
    return await this.#ask("POST", "/api/admin/plan", planReportShape, question);
  }

  /** Its last loads, the newest first. @throws {GatewayError} If it does not tell. */
  async listLoads(limit: number): Promise<readonly StoredLoad[]> {
    return (await this.#ask("GET", `/api/admin/loads?limit=${limit}`, storedLoadsShape)).loads;
  }

  /** The workers that report to it. @throws {GatewayError} If it does not tell. */
  async listWorkers(): Promise<readonly ListedWorker[]> {
    return (await this.#ask("GET", "/api/admin/workers", workerListShape)).workers;
  }

  /** Closes all connections. */
  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  async #ask<T>(method: string, path: string, shape: JsonShape<T>, body?: unknown): Promise<T> {
    const { url } = this.target;
    const { status, text } = await this.#send(method, path, body);
    const said = parseJson(text);
    const result = shape.safeParse(said);
    if (status < 300 && result.success) return result.data;
    throw refusalOf(status, said) ?? new GatewayError(
      "upstream_failed",
      `${url} answered ${status} to ${method} ${path} as no sollol gateway of this version does; ` +
        `check --gateway, and the version there`,
    );
  }

  async #send(method: string, path: string, body: unknown): Promise<{ status: number; text: string }> {
    const { url, address, basePath, key } = this.target;
    try {
      const response = await this.#http.send(address, {
        method,
        target: basePath + path,
        headers: [
          ["accept", "application/json"],
          ...(key === undefined ? [] : [["authorization", `Bearer ${key}`] as const]),
          ...(body === undefined ? [] : [["content-type", "application/json"] as const]),
        ],
        ...(body !== undefined && { body: new TextEncoder().encode(JSON.stringify(body)) }),
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        headTimeoutMs: TIMEOUT_MS,
        signal: this.signal,
      });
      return { status: response.status, text: await response.body.text(MAX_ANSWER_BYTES) };
    } catch (error) {
      this.signal.throwIfAborted();
      if (error instanceof HttpError) throw unreachable(url, error);
      throw error;
    }
  }
}

function unreachable(url: string, cause: HttpError): GatewayError {
  const message = cause.kind === "refused"
    ? `No gateway runs at ${url}; start it with "sollol serve", or say where it is with --gateway URL`
    : `${cause.message}; is this the gateway? Say where it is with --gateway URL`;
  return new GatewayError("upstream_failed", message, { cause });
}

/** The gateway's own sentence; `undefined` if that is not a gateway's error. */
function refusalOf(status: number, said: unknown): GatewayError | undefined {
  const parsed = errorBody.safeParse(said);
  if (status < 400 || !parsed.success) return undefined;
  const { code, message } = parsed.data.error;
  if (code === "unauthorized") {
    return new GatewayError(
      code,
      `The gateway wants an API key that it knows; give it with --token KEY, or in $${API_KEY_VARIABLE}`,
    );
  }
  return new GatewayError(isErrorCode(code) ? code : "upstream_failed", message);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(STATUS, code);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no gateway: told by whoever finds that it has not the right shape
  }
}

const errorBody = z.looseObject({ error: z.looseObject({ code: z.string(), message: z.string() }) });
