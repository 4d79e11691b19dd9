import { BackendMemory } from "./backend_memory.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { Environment } from "./config/environment.ts";
import type { HttpClient } from "./http/client.ts";
import type { Logger } from "./log.ts";
import type { KnownNode, NodeEvent } from "./nodes/node.ts";
import { NodeLine } from "./nodes/node_line.ts";
import { NodeNeeds } from "./nodes/node_needs.ts";
import { NodeRegistry } from "./nodes/node_registry.ts";
import type { NodeSettings } from "./nodes/node_settings.ts";
import { Waker } from "./nodes/waker.ts";
import { NodeSources } from "./node_sources.ts";
import type { WaitingRoom } from "./queue/waiting_room.ts";
import { NodeSlots } from "./router/node_slots.ts";
import type { BackendView } from "./rpc/backend.ts";
import type { GgufHeaderCache } from "./store/gguf_header_cache.ts";
import type { NodeMemoryStore } from "./store/node_memory_store.ts";
import type { NodeStore } from "./store/node_store.ts";

/** The Ollama nodes of a gateway, and all that is known of them. */
export interface OpenNodes {
  /** Knows how they are, and who has their slots. */
  readonly registry: NodeRegistry;
  /** Feeds it. */
  readonly sources: NodeSources;
  /** Knows what models take on them. */
  readonly needs: NodeNeeds;
  /** Gives their slots to requests. */
  readonly slots: NodeSlots;
  /** Where requests wait for these. */
  readonly line: NodeLine;
  /** Finds all of them and asks each once; resolves after 5 s at most, never rejects. */
  readonly start: () => Promise<void>;
}

/** What {@linkcode openNodes} is given. */
export interface OpenNodesOptions {
  /** What was registered by hand, over restarts. */
  readonly store: NodeStore;
  /** What each of them held when it was seen last, over restarts. */
  readonly memory: NodeMemoryStore;
  /** Asks them. */
  readonly http: HttpClient;
  /** Gets one line a change. */
  readonly logger: Logger;
  /** May hold `OLLAMA_HOST`. */
  readonly env: Environment;
  /** Gets all that has to end. */
  readonly owned: AsyncDisposableStack;
  /** Where requests wait for them, together with those that wait for coordinators. */
  readonly room: WaitingRoom;
  /** Saves reading the headers of stored models again. */
  readonly headers: GgufHeaderCache;
  /** The rpc backends, of which some run on the same hosts. */
  readonly backends: { views(): readonly BackendView[] };
  /** Hears of each change of health. Must not throw. */
  readonly onEvent: (event: NodeEvent) => void;
}

/** Opens the registry of the nodes and all that it is fed from. Nobody is asked yet. */
export function openNodes(config: Config, options: OpenNodesOptions): OpenNodes {
  const { store, memory, http, logger, env, owned, room, headers, backends, onEvent } = options;
  const needs = owned.use(new NodeNeeds({ http, logger, headers }));
  const registry = owned.use(
    new NodeRegistry({
      http,
      logger,
      settings: () => ({ checkEveryMs: config.nodes.checkEveryMs, stallMs: config.timeouts.stallMs }),
      onEvent,
      onModels: (node) => needs.learn(node),
      onListed: (url, models) => memory.keep(url, models),
      recall: (url) => memory.recall(url),
    }),
  );
  const sources = owned.use(
    new NodeSources({
      registry: forgetting(registry, (node) => needs.forget(node)),
      store,
      config,
      ollamaHost: env["OLLAMA_HOST"],
      http,
      logger,
    }),
  );
  owned.use(new BackendMemory({ nodes: registry, backends, clock: systemClock }));
  const settings = () => ({ queueWaitMs: config.limits.queueWaitMs });
  const line = owned.use(new NodeLine({ pool: registry, room, clock: systemClock, settings }));
  const waker = owned.use(new Waker({ clock: systemClock, logger }));
  const slots = new NodeSlots({ config, nodes: registry, line, waker });
  const start = async (): Promise<void> => {
    await sources.start();
    await registry.start();
  };
  return { registry, sources, needs, slots, line, start };
}

/** The registry, which says of each node that it loses. */
function forgetting(
  registry: NodeRegistry,
  forget: (node: KnownNode) => void,
): Pick<NodeRegistry, "apply" | "refresh" | "views"> {
  return {
    apply(list: readonly NodeSettings[]) {
      const before = registry.nodes;
      registry.apply(list);
      for (const node of before) if (!registry.nodes.includes(node)) forget(node);
    },
    refresh: (asked) => registry.refresh(asked),
    views: () => registry.views(),
  };
}
