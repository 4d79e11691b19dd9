import type { RecurrentShape } from "../gguf/layer_shape.ts";
import type { GraphPeak, GraphTensor } from "./graph_peak.ts";
import type { LayerGraphInput } from "./layer_graph_input.ts";

/** The first form of the state space models gives each channel a time step of its own. */
const FIRST_STATE_FORM = new Set(["jamba", "mamba"]);
/** The state is a matrix for each head, which forgets what it replaces. */
const DELTA_NET = new Set(["bailingmoe3", "kimi-k3", "kimi-linear", "qwen35", "qwen35moe", "qwen3next"]);
/** Tokens that a convolution sees beside the present one. */
const CONVOLVED_BEFORE = 3;
/** Elements of what is small, but takes a place in which something large could have been. */
const SMALL = 16;

/** Whether the recurrent layers of an architecture are gated delta nets. */
export function isDeltaNet(architecture: string): boolean {
  return DELTA_NET.has(architecture);
}

/**
 * The recurrent part of a layer; without a state space, as in LFM2, it is a short convolution.
 *
 * @param hidden The residual stream; that the result is added to it is for the caller to draw.
 * @see `src/models/mamba-base.cpp`, `src/models/delta-net-base.cpp` and `src/models/lfm2.cpp` of llama.cpp
 */
export function drawRecurrent(graph: GraphPeak, input: LayerGraphInput, hidden: GraphTensor): GraphTensor {
  const { architecture, embeddingLength, recurrent } = input;
  const normed = graph.add(embeddingLength, hidden);
  if (!recurrent) return drawConvolution(graph, embeddingLength, normed);
  const draw = isDeltaNet(architecture) ? drawDeltaNet : drawStateSpace;
  return graph.add(embeddingLength, draw(graph, input, recurrent, normed));
}

function drawStateSpace(
  graph: GraphPeak,
  { architecture, layer, sequenceShare }: LayerGraphInput,
  { innerLength, convolvedLength }: RecurrentShape,
  normed: GraphTensor,
): GraphTensor {
  const isFirstForm = FIRST_STATE_FORM.has(architecture);
  const projected = graph.add(innerLength + convolvedLength, normed);
  const continued = graph.add(convolvedLength * (1 + CONVOLVED_BEFORE * sequenceShare), projected);
  const convolved = graph.add(convolvedLength, continued);
  const timeSteps = graph.add(isFirstForm ? innerLength : SMALL, convolved);
  const scanned = graph.add(innerLength + layer.recurrentWidth * sequenceShare, convolved, timeSteps);
  const gate = graph.add(innerLength, projected);
  const skipped = graph.add(innerLength, convolved);
  graph.read(scanned, skipped);
  const gated = graph.add(innerLength, gate, skipped);
  return isFirstForm ? gated : graph.add(innerLength, gated);
}

function drawDeltaNet(
  graph: GraphPeak,
  { layer, sequenceShare }: LayerGraphInput,
  { innerLength, convolvedLength }: RecurrentShape,
  normed: GraphTensor,
): GraphTensor {
  const projected = graph.add(convolvedLength, normed);
  const continued = graph.add(convolvedLength * (1 + CONVOLVED_BEFORE * sequenceShare), projected);
  const state = graph.add(layer.recurrentWidth * sequenceShare);
  const convolved = graph.add(convolvedLength, continued);
  const queryLength = (convolvedLength - innerLength) / 2;
  const [query, key] = [graph.add(queryLength, convolved), graph.add(queryLength, convolved)];
  const computed = graph.add(
    innerLength + layer.recurrentWidth * sequenceShare,
    ...[convolved, query, key, state],
  );
  const result = graph.add(innerLength, computed);
  const gate = graph.add(innerLength, graph.add(innerLength, normed));
  graph.read(gate, result);
  return result;
}

/** Three streams as wide as the residual stream, of which one is convolved and the others are its gates. */
function drawConvolution(graph: GraphPeak, width: number, normed: GraphTensor): GraphTensor {
  const streams = graph.add(3 * width, normed);
  const convolved = graph.add(width, graph.add(width, graph.add(width, streams)));
  graph.read(streams, convolved);
  return graph.add(width, convolved);
}
