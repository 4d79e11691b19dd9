import type { ModelAccess } from "../auth/model_access.ts";
import { GatewayError } from "../errors.ts";
import type { Answer } from "./answer.ts";

/** What a client whose key is for some models only may read of what is told to it. */
export interface ShownModels {
  /** Of its key. */
  readonly access: ModelAccess;
  /** Whether it may use the model of this name. */
  readonly isPermitted: (name: string) => boolean;
}

/** Stands for a name that is not told. */
const HIDDEN = '"…"';

/**
 * The same sentence without the names of other models. All names in our sentences stand in quotes; whatever else stands
 * there, such as a line of an upstream's log, is not told either, since it may name anything.
 */
export function textFor(text: string, { isPermitted }: Pick<ShownModels, "isPermitted">): string {
  return text.replaceAll(/"([^"]*)"/g, (quoted, name) => isPermitted(name) ? quoted : HIDDEN);
}

/** The same failure of a request for a model, in such words. What is wrong with the request is told in its own ones. */
export function errorFor(error: GatewayError, shown: ShownModels): GatewayError {
  if (error.code === "invalid_request" || error.code === "forbidden") return error;
  const told = unknownModelFor(error, shown.access);
  return told === error ? retold(error, textFor(error.message, shown)) : told;
}

/** The same failure; that a model is not there, without names that are near to its own: they would tell what else is. */
export function unknownModelFor(error: GatewayError, { keyName }: ModelAccess): GatewayError {
  if (error.code !== "model_not_found") return error;
  return retold(error, `model not found; GET /v1/models lists those that the key "${keyName}" may use`);
}

/** The same answer, whose report says in such words why it came from there. */
export function answerFor(answer: Answer, shown: ShownModels): Answer {
  const { report } = answer;
  return { ...answer, report: { ...report, because: textFor(report.because, shown) } };
}

function retold(error: GatewayError, message: string): GatewayError {
  const { code, field, retryAfterSeconds } = error;
  return new GatewayError(code, message, {
    cause: error,
    ...(field !== undefined && { field }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
