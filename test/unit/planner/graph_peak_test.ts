import { equal } from "node:assert/strict";
import { GraphPeak } from "../../../lib/planner/graph_peak.ts";

Deno.test("a graph without tensors needs nothing", () => equal(new GraphPeak().peak(), 0));

Deno.test("a tensor that nobody reads is gone at once", () => {
  const graph = new GraphPeak();
  graph.add(10);
  graph.add(7);
  equal(graph.peak(), 10);
});

Deno.test("a tensor lives until it is read for the last time", () => {
  const graph = new GraphPeak();
  const first = graph.add(10);
  const second = graph.add(5, first);
  graph.add(1, first, second); // 10 + 5 + 1
  graph.add(10, second); // where the first one was
  equal(graph.peak(), 16);
});

Deno.test("reading keeps a tensor alive", () => {
  const graph = new GraphPeak();
  const first = graph.add(10);
  graph.add(5);
  graph.read(first);
  equal(graph.peak(), 15);
});

Deno.test("a tensor takes the smallest hole that holds it", () => {
  const graph = new GraphPeak();
  const large = graph.add(8);
  const between = graph.add(1);
  const small = graph.add(4);
  const end = graph.add(1, large, small); // leaves holes of 8 and 4
  const inSmall = graph.add(3, between, end);
  graph.add(8, inSmall, between, end); // the large one is still whole
  equal(graph.peak(), 14);
});

Deno.test("holes beside each other become one", () => {
  const graph = new GraphPeak();
  const [first, second] = [graph.add(4), graph.add(4)];
  const end = graph.add(1, first, second);
  graph.add(8, end);
  equal(graph.peak(), 9);
});

Deno.test("what fits no hole goes to the end, though less would be alive than that", () => {
  const graph = new GraphPeak();
  const first = graph.add(4);
  const end = graph.add(1, first);
  graph.add(5, end); // 4 are free before `end`, which is too little
  equal(graph.peak(), 10);
});
