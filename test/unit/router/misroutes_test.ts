import { equal } from "node:assert/strict";
import { decideRoute } from "../../../lib/router/decide_route.ts";
import type { Decision } from "../../../lib/router/decision.ts";
import { GIB } from "../../../lib/units.ts";
import { knownNode, type KnownNodeWishes, needOf } from "../../fixtures/known_nodes.ts";
import { routeFacts } from "../../fixtures/route_facts.ts";

// A homelab: a card of 24 GiB, one of 16 GiB, and a machine without a card that has 96 GiB of RAM, of which its Ollama
// may use 32 GiB. Each runs an rpc backend beside Ollama: 24 + 16 + 64 GiB.
const NODES: Record<string, KnownNodeWishes> = {
  cpu: { memoryBytes: 32 * GIB },
  gpu16: { memoryBytes: 16 * GIB },
  gpu24: { memoryBytes: 24 * GIB },
};
const sharding = { backendCount: 3, freeCount: 3, usableBytes: 104 * GIB };

/** Sizes of the files as Ollama's library has them, and what they take with 8,192 tokens of context. */
const MODELS = {
  "llama3.1:8b": { fileGib: 4.6, needGib: 6.1, billions: 8.0 },
  "phi3:14b": { fileGib: 7.4, needGib: 9.6, billions: 14.0 },
  "qwen2.5:32b": { fileGib: 18.5, needGib: 21.2, billions: 32.8 },
  "llama3.2:90b": { fileGib: 51.0, needGib: 55.4, billions: 87.7 },
  "gpt-oss:120b": { fileGib: 60.9, needGib: 63.8, billions: 116.8 },
  "deepseek-r1:671b": { fileGib: 376.7, needGib: 415.2, billions: 671.0 },
};
type Model = keyof typeof MODELS;

/** As the nodes were measured once. */
const SPEEDS: Record<string, Record<string, number>> = {
  cpu: { "llama3.1:8b": 9, "phi3:14b": 5, "qwen2.5:32b": 2 },
  gpu16: { "llama3.1:8b": 55, "phi3:14b": 33 },
  gpu24: { "llama3.1:8b": 95, "phi3:14b": 57, "qwen2.5:32b": 30 },
};

function sent(model: Model, heldBy: readonly string[], told: Record<string, KnownNodeWishes> = {}): Decision {
  const { fileGib, needGib, billions } = MODELS[model];
  const weightBytes = fileGib * GIB;
  return decideRoute({ model, key: model }, {
    ...routeFacts({
      holders: heldBy.map((name) =>
        knownNode(name, {
          held: { [model]: weightBytes },
          speeds: SPEEDS[name] ?? {},
          ...NODES[name],
          ...told[name],
        })
      ),
      need: needOf(needGib * GIB, { weightBytes, parameterCount: billions * 1e9 }),
      sharding,
    }),
    nodeCount: 3,
  });
}

const everywhere = Object.keys(NODES);

for (
  const { model, heldBy = everywhere, told, name, to, because } of [
    {
      model: "llama3.1:8b",
      name: "which the predecessor sharded, goes to the fastest card",
      to: "gpu24",
      because: '"llama3.1:8b" (6.1 GiB) fits gpu24 (24.0 GiB), 0 of 4 slots in use',
    },
    {
      model: "llama3.1:8b",
      name: "goes where it is loaded",
      told: { gpu16: { loaded: { "llama3.1:8b": 6 * GIB } }, gpu24: { loaded: { "qwen2.5:32b": 21 * GIB } } },
      to: "gpu16",
      because: '"llama3.1:8b" (6.1 GiB) is loaded on gpu16, 0 of 4 slots in use',
    },
    {
      model: "phi3:14b",
      name: "which the predecessor took for 4 billion, goes to the fastest card",
      to: "gpu24",
      because: '"phi3:14b" (9.6 GiB) fits gpu24 (24.0 GiB), 0 of 4 slots in use',
    },
    {
      model: "phi3:14b",
      name: "goes to the other card rather than to unload what the faster one is at work with",
      told: { gpu24: { loaded: { "qwen2.5:32b": 21 * GIB }, inFlightCount: 2 } },
      to: "gpu16",
      because: '"phi3:14b" (9.6 GiB) fits gpu16 (16.0 GiB), 0 of 4 slots in use',
    },
    {
      model: "qwen2.5:32b",
      name: "goes to the only card that has room for it, and not to the CPU",
      to: "gpu24",
      because: '"qwen2.5:32b" (21.2 GiB) fits gpu24 (24.0 GiB), 0 of 4 slots in use',
    },
    {
      model: "qwen2.5:32b",
      name: "which the predecessor gave to any node, is sharded if only the smaller card holds it",
      heldBy: ["gpu16"],
      to: "coordinator",
      because:
        '"qwen2.5:32b" is sharded over rpc backends: it needs 21.2 GiB by its file; gpu16 has 16.0 GiB',
    },
    {
      model: "llama3.2:90b",
      name: "which the predecessor took for 3 billion, is sharded",
      heldBy: ["gpu24"],
      to: "coordinator",
      because:
        '"llama3.2:90b" is sharded over rpc backends: it needs 55.4 GiB by its file; gpu24 has 24.0 GiB',
    },
    {
      model: "gpt-oss:120b",
      name: "which the predecessor gave to a node, is sharded",
      to: "coordinator",
      because:
        '"gpt-oss:120b" is sharded over rpc backends: it needs 63.8 GiB by its file; cpu has 32.0 GiB; ' +
        "gpu16 has 16.0 GiB; gpu24 has 24.0 GiB",
    },
    {
      model: "deepseek-r1:671b",
      name: "which the predecessor took for 1 billion, is refused with all the numbers",
      to: "insufficient_memory",
      because: 'Cannot serve "deepseek-r1:671b": it needs 415.2 GiB by its file; cpu has 32.0 GiB; ' +
        "gpu16 has 16.0 GiB; gpu24 has 24.0 GiB; its weights are 376.7 GiB, and 3 rpc backends have 104.0 GiB; " +
        "add an rpc backend, or ask for a smaller model",
    },
    {
      model: "deepseek-r1:671b",
      name: "is refused as well where nobody holds it but our own store",
      heldBy: [],
      to: "insufficient_memory",
      because: 'Cannot serve "deepseek-r1:671b": it needs 415.2 GiB by its file; none of 3 nodes holds it; ' +
        "its weights are 376.7 GiB, and 3 rpc backends have 104.0 GiB; add an rpc backend, or ask for a smaller model",
    },
  ] as {
    model: Model;
    heldBy?: readonly string[];
    told?: Record<string, KnownNodeWishes>;
    name: string;
    to: string;
    because: string;
  }[]
) {
  Deno.test(`${model}, ${name}`, () => {
    const decision = sent(model, heldBy, told);
    equal(
      decision.to === "node" ? decision.node.name : decision.to === "nowhere" ? decision.code : decision.to,
      to,
      decision.because,
    );
    equal(decision.because, because);
  });
}
