import { readUpstreamError } from "../dialects/upstream_error.ts";
import { GatewayError, messageOf } from "../errors.ts";
import { listNames } from "../name_list.ts";
import type { KnownNode } from "../nodes/node.ts";
import type { NodeAnswer } from "./node_request.ts";

/** Nodes that a sentence tells. */
const TOLD_NODES = 5;

/**
 * The answer of several nodes to one short order. Who has not got the model need not have it changed, as long as anybody
 * has.
 *
 * @param what Was ordered, for sentences.
 * @throws {GatewayError} `upstream_failed` if one of them could not, naming it.
 */
export async function answerOfAll(
  nodes: readonly KnownNode[],
  ask: (node: KnownNode) => Promise<NodeAnswer>,
  what: string,
): Promise<NodeAnswer> {
  const answers = await Promise.allSettled(nodes.map(ask));
  const failures = answers.flatMap((answer, index) => {
    const { name } = nodes[index]!;
    if (answer.status === "rejected") return [`${name}: ${messageOf(answer.reason)}`];
    const { status, body } = answer.value;
    return status < 300 || status === 404
      ? []
      : [`${name}: ${readUpstreamError(body).message || `it answered ${status}`}`];
  });
  if (failures.length > 0) {
    const message = `Cannot ${what} on ${failures.length} of ${nodes.length} nodes: ${
      listNames(failures, TOLD_NODES)
    }`;
    throw new GatewayError("upstream_failed", message);
  }
  const done = answers.flatMap((answer) => answer.status === "fulfilled" ? [answer.value] : []);
  return done.find(({ status }) => status < 300) ?? done[0]!;
}
