import type { Clock } from "./clock.ts";
import type { KnownNode } from "./nodes/node.ts";
import type { NodeRegistry } from "./nodes/node_registry.ts";
import { Alarm } from "./registry/alarm.ts";
import type { BackendDevice, BackendView } from "./rpc/backend.ts";
import { parseEndpoint } from "./rpc/endpoint.ts";

/** How often it is looked whether rpc backends have come to a node's host, ms. */
const LOOK_EVERY_MS = 5_000;

/** What {@linkcode BackendMemory} looks at. */
export interface BackendMemoryParts {
  /** Are told. */
  readonly nodes: Pick<NodeRegistry, "nodes" | "setMemories">;
  /** Tell. */
  readonly backends: { views(): readonly BackendView[] };
  /** Time. */
  readonly clock: Clock;
}

/**
 * Tells the nodes how much memory their hosts have: Ollama says nothing of it, but rpc backends on the same hosts do. A
 * host is the same where it is spelled the same: one that is a name here and an address there is not found.
 */
export class BackendMemory implements Disposable {
  readonly #alarm: Alarm;

  /** Looks at once, and then every few seconds until its disposal. */
  constructor(private readonly parts: BackendMemoryParts) {
    this.#alarm = new Alarm(parts.clock, () => this.#look());
    this.#look();
  }

  /** Looks no more; what was told stays. */
  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
  }

  #look(): void {
    const { nodes, backends, clock } = this.parts;
    nodes.setMemories(memoriesOf(nodes.nodes, nodes.nodes.length > 0 ? backends.views() : []));
    this.#alarm.ringBy(clock.monotonic() + LOOK_EVERY_MS);
  }
}

/**
 * The memory of each node's host as the rpc backends there tell it, bytes, by the node's URL: that of its GPUs, or else its
 * RAM. Without those of which nobody tells anything.
 */
export function memoriesOf(
  nodes: readonly Pick<KnownNode, "url" | "address">[],
  views: readonly BackendView[],
): Map<string, number> {
  const byHost = devicesByHost(views);
  return new Map(nodes.flatMap(({ url, address }) => {
    const devices = address.transport === "unix" ? undefined : byHost.get(address.hostname);
    return devices && devices.length > 0 ? [[url, memoryOf(devices)] as const] : [];
  }));
}

function devicesByHost(views: readonly BackendView[]): Map<string, BackendDevice[]> {
  const byHost = new Map<string, BackendDevice[]>();
  for (const { endpoint, aliases, devices } of views) {
    const hosts = new Set([endpoint, ...aliases].map((name) => parseEndpoint(name).host));
    for (const host of hosts) byHost.set(host, [...byHost.get(host) ?? [], ...devices]);
  }
  return byHost;
}

/** Several rpc backends may tell of one memory. */
function memoryOf(devices: readonly BackendDevice[]): number {
  const gpus = devices.filter(({ kind }) => kind === "gpu");
  const counted = new Map((gpus.length > 0 ? gpus : devices).map((device) => [device.memoryKey, device]));
  return counted.values().reduce((sum, { totalBytes }) => sum + totalBytes, 0);
}
