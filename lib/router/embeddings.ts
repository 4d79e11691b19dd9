import { mapConcurrently } from "../concurrent.ts";
import { type EmbeddingAnswer, joinEmbeddings, readEmbeddings } from "../dialects/openai_embeddings.ts";
import type { ExchangeFor } from "../dialects/exchange.ts";
import { GatewayError } from "../errors.ts";
import type { Answer } from "./answer.ts";
import type { InferenceRequest } from "./inference.ts";
import { joinReports } from "./joined_report.ts";

/** Parts of one request that are under way at a time: the rest of the shelf has other work, too. */
const MAX_PARTS_AT_ONCE = 16;

/** Answers a part of the request. */
export type AskPart = (request: InferenceRequest) => Promise<Answer>;

/** The inputs of a request that can be embedded one by one. */
export interface EmbeddingParts {
  /** Several. */
  readonly inputs: readonly unknown[];
  /** How the same request for only some of them is put to an upstream. */
  readonly exchangeOf: (inputs: readonly unknown[]) => ExchangeFor;
}

/** A request for the embeddings of several inputs. */
export interface EmbeddingBatch {
  /** The whole request. */
  readonly request: InferenceRequest;
  /** Its inputs, and how some of them are put to an upstream. */
  readonly parts: EmbeddingParts;
  /** Inputs of one part, at most. */
  readonly partSize: number;
}

/**
 * Answers a request for many embeddings in parts, which go where there is room, and puts them together in the order of
 * the inputs. If a part is refused, its refusal is the answer, and the others are given up.
 *
 * @throws {GatewayError} As each part may; `upstream_failed` if an upstream answers with too few.
 */
export async function embedInParts(
  { request, parts: { inputs, exchangeOf }, partSize }: EmbeddingBatch,
  ask: AskPart,
): Promise<Answer> {
  const starts = Array.from({ length: Math.ceil(inputs.length / partSize) }, (_, at) => at * partSize);
  const giveUp = new AbortController();
  const signal = AbortSignal.any([request.signal, giveUp.signal]);
  try {
    const parts = await mapConcurrently(starts, MAX_PARTS_AT_ONCE, async (start) => {
      const some = inputs.slice(start, start + partSize);
      const answer = await ask({ ...request, exchange: exchangeOf(some), signal });
      return toPart(answer, some.length);
    });
    return joined(parts, inputs.length);
  } catch (thrown) {
    giveUp.abort(new GatewayError("client_closed", "Another part of the request failed"));
    if (thrown instanceof RefusedPart) return thrown.answer;
    throw thrown;
  }
}

interface Part {
  readonly answer: Answer;
  readonly embeddings: EmbeddingAnswer;
}

/** A part that the upstream refused: its words are the client's. */
class RefusedPart extends Error {
  constructor(readonly answer: Answer) {
    super(`a part was answered ${answer.status}`);
  }
}

function toPart(answer: Answer, inputCount: number): Part {
  const { body, status, report } = answer;
  if (!(body instanceof Uint8Array) || status >= 300) throw new RefusedPart(answer);
  const embeddings = readEmbeddings(body, inputCount);
  if (embeddings) return { answer, embeddings };
  const message =
    `${report.upstream} did not answer with one embedding for each of ${inputCount} texts; ask again`;
  throw new GatewayError("upstream_failed", message);
}

function joined(parts: readonly Part[], inputCount: number): Answer {
  const [first] = parts;
  const reports = parts.map(({ answer }) => answer.report);
  const { headers } = first!.answer;
  return {
    status: 200,
    headers: headers.filter(([name]) => name !== "content-length"),
    body: joinEmbeddings(parts.map(({ embeddings }) => embeddings)),
    report: joinReports(reports, `${inputCount} texts in ${reports.length} parts`),
  };
}
