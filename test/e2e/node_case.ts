import { FakeOllamaNode, type FakeOllamaOptions } from "../fakes/fake_ollama_node.ts";
import { NodeBed, type NodeGateway } from "./node_bed.ts";
import { addNode } from "./node_moods.ts";

/** What one case has: the gateway that all cases share, and nodes and models of its own. */
export class NodeCase {
  constructor(readonly gateway: NodeGateway, private readonly stack: AsyncDisposableStack) {}

  /** Of the gateway. */
  get url(): string {
    return this.gateway.url;
  }

  /** Starts a node that holds these models, and has the gateway know it by this name. */
  async hold(
    name: string,
    models: readonly (string | { readonly name: string; readonly digest?: string })[],
    { entry = {}, ...options }: FakeOllamaOptions & { readonly entry?: Readonly<Record<string, unknown>> } =
      {},
  ): Promise<FakeOllamaNode> {
    const listed = models.map((model) => typeof model === "string" ? { name: model } : model);
    const node = this.stack.use(await FakeOllamaNode.start({ ...options, models: listed }));
    await addNode(this.gateway, { url: node.url, name, ...entry });
    return node;
  }
}

/** A sentence that must hold, and how that is shown. */
export type Sentence = readonly [sentence: string, show: (bed: NodeCase) => Promise<void>];

/** Registers a test of sentences that share one gateway with this configuration, each with nodes of its own. */
export function testSentences(
  name: string,
  config: Readonly<Record<string, unknown>>,
  sentences: readonly Sentence[],
): void {
  Deno.test(name, async (test) => {
    await using bed = await NodeBed.create();
    await using gateway = await bed.serve(config);
    for (const [sentence, show] of sentences) {
      await test.step(sentence, async () => {
        await using stack = new AsyncDisposableStack();
        await show(new NodeCase(gateway, stack));
        await forgetNodes(gateway);
      });
    }
    await gateway.stop();
  });
}

/** When a node was asked for what needs a model, ms. */
export function askedTimes(node: FakeOllamaNode): number[] {
  return node.requests.filter(({ path }) => path.startsWith("/v1/")).map(({ atMs }) => atMs);
}

/** The next case has the gateway for itself. */
async function forgetNodes(gateway: NodeGateway): Promise<void> {
  for (const { name } of await gateway.nodeViews()) {
    await (await fetch(`${gateway.url}/api/admin/nodes/${name}`, { method: "DELETE" })).body?.cancel();
  }
}
