import type { ExpertShape } from "../gguf/layer_shape.ts";
import { GraphPeak, type GraphTensor } from "./graph_peak.ts";
import type { LayerGraphInput } from "./layer_graph_input.ts";
import { drawRecurrent } from "./recurrent_graph.ts";

/** What is left over between tensors grows from layer to layer at first, and no further from the third. */
const LAYERS_UNTIL_STEADY = 3;
/** One matrix up, one down, and no gate between them. */
const WITHOUT_GATE = new Set([
  ...["bloom", "codeshell", "falcon", "gpt2", "gptj", "gptneox", "jais", "mpt", "nemotron", "nemotron_h"],
  ...["phi2", "starcoder", "starcoder2"],
]);

/** Attention whose query brings a gate for its result. */
const GATED_ATTENTION = new Set(["qwen35", "qwen35moe", "qwen3next"]);

/**
 * Latent attention keeps K as wide as 512 for the values and 64 for the position, Q comes in 128 + 64 and values leave
 * in 128, in all models that have it: shares of that 576.
 */
const LATENT = { query: 192 / 576, values: 512 / 576, position: 64 / 576, unpacked: 128 / 576 } as const;

/**
 * Elements that a layer needs for one token at its worst moment: drawn behind others of its kind, since memory is less
 * orderly there. ggml never reuses what a view looks at, so that what is computed from reshaped heads is a tensor of
 * its own.
 *
 * @see `src/models/*.cpp` and `build_attn`, `build_ffn`, `build_moe_ffn` in src/llama-graph.cpp of llama.cpp
 */
export function layerPeakElements(input: LayerGraphInput): number {
  const graph = new GraphPeak();
  let hidden = graph.add(0); // it is an input of the device, and counted there
  if (input.isLast) drawMixer(graph, input, hidden);
  for (let drawn = 0; drawn < LAYERS_UNTIL_STEADY && !input.isLast; drawn++) {
    hidden = drawLayer(graph, input, hidden);
  }
  return graph.peak();
}

function drawLayer(graph: GraphPeak, input: LayerGraphInput, hidden: GraphTensor): GraphTensor {
  const mixed = drawMixer(graph, input, hidden);
  if (input.experts) return drawExperts(graph, input, input.experts, mixed);
  return input.layer.feedForwardLength > 0 ? drawFeedForward(graph, input, mixed) : mixed;
}

/** Attention, a recurrent part, or both side by side. */
function drawMixer(graph: GraphPeak, input: LayerGraphInput, hidden: GraphTensor): GraphTensor {
  const { cache, valueWidth, recurrentWidth } = input.layer;
  const mixed: GraphTensor[] = [];
  if (recurrentWidth > 0) mixed.push(drawRecurrent(graph, input, hidden));
  if (cache !== "none") {
    mixed.push(
      valueWidth > 0 ? drawAttention(graph, input, hidden) : drawLatentAttention(graph, input, hidden),
    );
  }
  graph.read(hidden, ...mixed);
  return mixed.at(-1) ?? hidden;
}

function drawAttention(graph: GraphPeak, input: LayerGraphInput, hidden: GraphTensor): GraphTensor {
  const { embeddingLength, copiedCellShare, layer: { headCount, kvHeadCount, keyWidth, valueWidth } } = input;
  const queryWidth = keyWidth / kvHeadCount * headCount;
  const resultWidth = valueWidth / kvHeadCount * headCount;
  const isGated = GATED_ATTENTION.has(input.architecture);
  const normed = graph.add(embeddingLength, hidden);
  const projected = graph.add(isGated ? queryWidth + resultWidth : queryWidth, normed);
  const query = graph.add(queryWidth, projected);
  const value = graph.add(valueWidth, normed);
  const key = graph.add(keyWidth, graph.add(keyWidth, normed));
  graph.read(key, value); // into the cache
  const copies = [graph.add(keyWidth * copiedCellShare), graph.add(valueWidth * copiedCellShare)];
  const attended = graph.add(resultWidth, query, ...copies);
  if (!isGated) return graph.add(embeddingLength, attended);
  return graph.add(embeddingLength, attended, graph.add(resultWidth, projected));
}

function drawLatentAttention(graph: GraphPeak, input: LayerGraphInput, hidden: GraphTensor): GraphTensor {
  const { embeddingLength, copiedCellShare, layer: { headCount, keyWidth } } = input;
  const width = headCount * keyWidth;
  const normed = graph.add(embeddingLength, hidden);
  const query = graph.add(LATENT.query * width, normed);
  const absorbed = graph.add(LATENT.values * width, query);
  const position = graph.add(LATENT.position * width, query);
  const joined = graph.add(width, absorbed, position);
  const packed = graph.add(keyWidth, normed);
  graph.read(graph.add(keyWidth, packed)); // into the cache
  const copies = [
    graph.add(keyWidth * copiedCellShare),
    graph.add(LATENT.values * keyWidth * copiedCellShare),
  ];
  const attended = graph.add(LATENT.values * width, joined, ...copies);
  const unpacked = graph.add(LATENT.unpacked * width, attended);
  return graph.add(embeddingLength, graph.add(LATENT.unpacked * width, unpacked));
}

function drawFeedForward(graph: GraphPeak, input: LayerGraphInput, mixed: GraphTensor): GraphTensor {
  const { architecture, embeddingLength, layer: { feedForwardLength } } = input;
  const normed = graph.add(embeddingLength, mixed);
  const inner = WITHOUT_GATE.has(architecture)
    ? graph.add(feedForwardLength, normed)
    : drawGated(graph, feedForwardLength, normed);
  const result = graph.add(embeddingLength, inner);
  graph.read(mixed, result);
  return result;
}

function drawGated(graph: GraphPeak, width: number, normed: GraphTensor): GraphTensor {
  const gate = graph.add(width, normed);
  const up = graph.add(width, normed);
  return graph.add(width, gate, up);
}

/** Each of the experts that compute a token has a row of its own for it. */
function drawExperts(
  graph: GraphPeak,
  { embeddingLength }: LayerGraphInput,
  { count, usedCount, feedForwardLength, sharedFeedForwardLength }: ExpertShape,
  mixed: GraphTensor,
): GraphTensor {
  const normed = graph.add(embeddingLength, mixed);
  const chances = graph.add(count, normed);
  const order = graph.add(count, chances);
  const shares = graph.add(usedCount, chances, order);
  const inner = drawGated(graph, usedCount * feedForwardLength, normed);
  const down = graph.add(usedCount * embeddingLength, inner, order);
  graph.read(down, shares);
  const result = graph.add(embeddingLength, down);
  graph.read(down, result);
  if (sharedFeedForwardLength > 0) {
    graph.add(embeddingLength, drawGated(graph, sharedFeedForwardLength, normed));
  }
  graph.read(mixed, result);
  return result;
}
