import type { Context } from "hono";
import { allowedPriority } from "../lib/auth/client.ts";
import type { ClientLimits } from "../lib/auth/client_limits.ts";
import type { AskedInference, Gateway } from "../lib/gateway.ts";
import { toResponse } from "./answer.ts";
import type { AppEnv } from "./app_env.ts";
import { heldUntilSent } from "./held_answer.ts";
import { leftOf } from "./left_of.ts";
import { readBody } from "./read_body.ts";
import { readDemand } from "./read_demand.ts";

/** What routes for inference share. */
export interface InferSettings {
  /** A longer body is refused; asked at each request. */
  readonly maxBodyBytes: () => number;
  /** How many requests each client may make. Default: any number. */
  readonly limits?: Pick<ClientLimits, "admit">;
}

/** Answers requests for inference: what differs between routes is how their bodies are read. */
export class InferRoute {
  /** The gateway stays the caller's. */
  constructor(private readonly gateway: Pick<Gateway, "infer">, private readonly settings: InferSettings) {}

  /**
   * Reads the body and the headers of a request, asks the gateway, and turns what it answers into a response.
   *
   * @param decode Reads the body; throws {@linkcode GatewayError} for one that is wrong.
   * @throws {GatewayError} As the gateway does.
   */
  async answer(
    c: Context<AppEnv>,
    decode: (body: Uint8Array<ArrayBuffer>) => AskedInference,
  ): Promise<Response> {
    return await this.ask(c, decode(await this.read(c)));
  }

  /** Reads the body of a request. @throws {GatewayError} If it is too long, compressed, or does not come. */
  async read(c: Context<AppEnv>): Promise<Uint8Array<ArrayBuffer>> {
    return await readBody(c.req.raw, this.settings.maxBodyBytes());
  }

  /** The same for a body that was read already. @throws {GatewayError} As the gateway does. */
  async ask(c: Context<AppEnv>, asked: AskedInference): Promise<Response> {
    const signal = leftOf(c);
    const id = c.get("requestId");
    const client = c.get("client");
    const { keepAliveMs = asked.keepAliveMs, ...demand } = readDemand(c.req.raw.headers);
    const place = client && this.settings.limits?.admit(client);
    const priority = allowedPriority(client, demand.priority);
    const from = { id, signal, keyName: client?.key?.name, access: client?.access };
    c.set("isRecorded", true);
    try {
      const answer = await this.gateway.infer({ ...asked, ...demand, priority, keepAliveMs, ...from });
      const response = toResponse(answer, id, asked.dialect);
      if (!place) return response;
      if (!(answer.body instanceof Uint8Array)) return heldUntilSent(response, place);
      place[Symbol.dispose](); // it is there as a whole
      return response;
    } catch (error) {
      place?.[Symbol.dispose]();
      throw error;
    }
  }
}
