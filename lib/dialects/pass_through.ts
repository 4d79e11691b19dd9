import type { Exchange, StreamFormat, UpstreamFacts } from "./exchange.ts";
import { withModel } from "./openai_model.ts";

/** A request whose dialect the upstream speaks. */
export interface PassedRequest {
  /** The upstream's path. */
  readonly target: string;
  /** A JSON object; it was parsed before. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The model as the client named it, if it did. */
  readonly model: string | undefined;
  /** Whether it asks for a stream. */
  readonly stream: boolean;
  /** Of that stream. */
  readonly format: StreamFormat;
}

/** The bytes pass both ways, but for the name of the model: a client may call it otherwise than its upstream does. */
export function passedTo({ modelName }: Pick<UpstreamFacts, "modelName">, request: PassedRequest): Exchange {
  const { target, body, model, stream, format } = request;
  const named = modelName === undefined || modelName === model ? body : withModel(body, modelName);
  return { target, body: named, stream, format };
}
