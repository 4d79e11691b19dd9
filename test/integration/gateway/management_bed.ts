import { GIB } from "../../../lib/units.ts";
import { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import { nodeAt } from "../../fixtures/routing_bed.ts";
import { OllamaBed } from "./ollama_bed.ts";

/** Nodes `a`, `b` and so on, with ever less memory, and a gateway over them. */
export async function openManagementBed(count: number, models: readonly { name: string }[][] = []) {
  await using owned = new AsyncDisposableStack();
  const nodes: FakeOllamaNode[] = [];
  for (let index = 0; index < count; index++) {
    nodes.push(owned.use(await FakeOllamaNode.start({ models: models[index] ?? [] })));
  }
  const settings = nodes.map((node, index) =>
    nodeAt(node.url, { name: "abc"[index]!, memoryBytes: (8 - index) * GIB })
  );
  const bed = owned.use(await OllamaBed.open({ nodes: settings }));
  const lifetime = owned.move();
  return { bed, nodes, [Symbol.asyncDispose]: () => lifetime.disposeAsync() };
}

/** The header that wishes for nodes. */
export function on(nodes: string): Record<string, string> {
  return { "x-sollol-node": nodes };
}

/** What a node was asked, but for what its checks ask. */
export function pathsOf(node: FakeOllamaNode): string[] {
  return node.requests.map(({ path }) => path).filter((path) =>
    !/^\/api\/(version|tags|ps|show)$/.test(path)
  );
}
