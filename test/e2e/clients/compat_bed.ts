import { buildScriptedModel, type ScriptedTalent } from "../../fixtures/scripted_model.ts";
import { FAKE_THOUGHTS } from "../../fakes/fake_ollama_script.ts";
import { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import type { RealPrograms } from "../coordinator_bed.ts";
import { GatewayBed, type ServedGateway } from "../gateway_bed.ts";
import { NodeBed } from "../node_bed.ts";

/** Names of the models of each bed: what each is for. */
export const MODELS = {
  tools: "caller",
  thinking: "thinker",
  vision: "seer",
  embedding: "embedder",
} as const;

/** A gateway with one kind of upstream, that holds a model for each talent. */
export interface CompatBed extends AsyncDisposable {
  /** Kind of its upstream, in the words of the table. */
  readonly kind: "sharded" | "node";
  /** Of the gateway. */
  readonly url: string;
  readonly gateway: ServedGateway;
  /** What it cannot show, with the reason. */
  readonly lacks: Readonly<Record<string, string>>;
  /** What a model thinks. */
  readonly thoughts: string;
  /** Whether a model repeats what a tool told it, and says what it sees; else its words are random. */
  readonly understands: boolean;
  /** How many answers the upstream works at. */
  workCount(): Promise<number>;
}

/** Models that llama.cpp runs over two real rpc backends. */
export async function createShardedBed(programs: RealPrograms): Promise<CompatBed> {
  await using stack = new AsyncDisposableStack();
  const bed = stack.use(await GatewayBed.create(programs, { backendCount: 2, models: [] }));
  for (const talent of ["tools", "thinking", "embedding"] satisfies ScriptedTalent[]) {
    await bed.store.addModel(MODELS[talent], buildScriptedModel(talent), { params: { num_ctx: 8_192 } });
  }
  const gateway = stack.use(await bed.serve({ settings: { "nodes.local": false } }));
  await gateway.untilBackendsAreUp();
  const owned = stack.move();
  return {
    kind: "sharded",
    url: gateway.url,
    gateway,
    lacks: { image: "the tiny model has no projector" },
    thoughts: "hmm",
    understands: false,
    workCount: () => busySlotCount(gateway),
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await bed.assertNothingLeft();
      await owned.disposeAsync();
    },
  };
}

/** A node that plays Ollama. */
export async function createNodeBed(): Promise<CompatBed> {
  await using stack = new AsyncDisposableStack();
  const node = stack.use(
    await FakeOllamaNode.start({
      answer: "word ".repeat(10_000),
      tokensPerSecond: 1_000,
      models: Object.entries(MODELS).map(([talent, name]) => ({
        name: `${name}:latest`,
        capabilities: talent === "embedding" ? ["embedding"] : ["completion", talent],
      })),
    }),
  );
  const bed = stack.use(await NodeBed.create());
  const gateway = stack.use(await bed.serve({ ollama_nodes: [{ url: node.url, name: "attic" }] }));
  await gateway.untilUp(["attic"]);
  const owned = stack.move();
  return {
    kind: "node",
    url: gateway.url,
    gateway,
    lacks: {},
    thoughts: FAKE_THOUGHTS,
    understands: true,
    workCount: () => Promise.resolve(node.inFlight),
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await owned.disposeAsync();
    },
  };
}

/** What llama-server itself says it works at, not what the gateway believes. */
async function busySlotCount({ url }: ServedGateway): Promise<number> {
  const response = await fetch(`${url}/slots?model=${MODELS.tools}`);
  const slots = await response.json();
  if (!Array.isArray(slots)) throw new Error(`${response.status}: ${JSON.stringify(slots)}`);
  return slots.filter(({ is_processing }) => is_processing).length;
}
