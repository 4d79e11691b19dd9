import { mapConcurrently } from "../concurrent.ts";
import type { EmbeddingParts } from "../dialects/embedding_parts.ts";
import { GatewayError } from "../errors.ts";
import type { Answer } from "./answer.ts";
import type { InferenceRequest } from "./inference.ts";
import { joinReports } from "./joined_report.ts";

/** Parts of one request that are under way at a time: the rest of the shelf has other work, too. */
const MAX_PARTS_AT_ONCE = 16;

/** Answers a part of the request. */
export type AskPart = (request: InferenceRequest) => Promise<Answer>;

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
  { request, parts: batch, partSize }: EmbeddingBatch,
  ask: AskPart,
): Promise<Answer> {
  const { inputs } = batch;
  const starts = Array.from({ length: Math.ceil(inputs.length / partSize) }, (_, at) => at * partSize);
  const giveUp = new AbortController();
  const signal = AbortSignal.any([request.signal, giveUp.signal]);
  try {
    const parts = await mapConcurrently(starts, MAX_PARTS_AT_ONCE, async (start) => {
      const some = inputs.slice(start, start + partSize);
      const answer = await ask({ ...request, exchange: batch.exchangeOf(some), signal });
      return toPart(answer, batch, some.length);
    });
    return joined(parts, batch);
  } catch (thrown) {
    giveUp.abort(new GatewayError("client_closed", "Another part of the request failed"));
    if (thrown instanceof RefusedPart) return thrown.answer;
    throw thrown;
  }
}

interface Part {
  readonly answer: Answer;
  /** What its dialect reads of it. */
  readonly said: unknown;
}

/** A part that the upstream refused: its words are the client's. */
class RefusedPart extends Error {
  constructor(readonly answer: Answer) {
    super(`a part was answered ${answer.status}`);
  }
}

function toPart(answer: Answer, batch: EmbeddingParts, inputCount: number): Part {
  const { body, status, report } = answer;
  if (!(body instanceof Uint8Array) || status >= 300) throw new RefusedPart(answer);
  const said = batch.read(body, inputCount);
  if (said !== undefined) return { answer, said };
  const message =
    `${report.upstream} did not answer with one embedding for each of ${inputCount} texts; ask again`;
  throw new GatewayError("upstream_failed", message);
}

function joined(parts: readonly Part[], batch: EmbeddingParts): Answer {
  const [first] = parts;
  const reports = parts.map(({ answer }) => answer.report);
  const { headers } = first!.answer;
  return {
    status: 200,
    headers: headers.filter(([name]) => name !== "content-length"),
    body: batch.join(parts.map(({ said }) => said)),
    report: joinReports(reports, `${batch.inputs.length} texts in ${reports.length} parts`),
  };
}
