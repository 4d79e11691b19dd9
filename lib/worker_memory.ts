import type { Clock } from "./clock.ts";
import type { KnownNode } from "./nodes/node.ts";
import type { NodeRegistry } from "./nodes/node_registry.ts";
import { Alarm } from "./registry/alarm.ts";
import type { BackendDevice, BackendView } from "./rpc/backend.ts";
import { parseEndpoint } from "./rpc/endpoint.ts";

/** How often it is looked whether rpc backends have come to a node's host, ms. */
const LOOK_EVERY_MS = 5_000;

/** What {@linkcode WorkerMemory} looks at. */
export interface WorkerMemoryParts {
  /** Are told. */
  readonly nodes: Pick<NodeRegistry, "nodes" | "setMemory">;
  /** Tell. */
  readonly backends: { views(): readonly BackendView[] };
  /** Time. */
  readonly clock: Clock;
}

/**
 * Tells the nodes how much memory their hosts have: Ollama says nothing of it, but rpc backends on the same hosts do.
 */
export class WorkerMemory implements Disposable {
  readonly #alarm: Alarm;

  /** Looks at once, and then every few seconds until its disposal. */
  constructor(private readonly parts: WorkerMemoryParts) {
    this.#alarm = new Alarm(parts.clock, () => this.#look());
    this.#look();
  }

  /** Looks no more; what was told stays. */
  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
  }

  #look(): void {
    const { nodes, backends, clock } = this.parts;
    const views = nodes.nodes.length > 0 ? backends.views() : [];
    for (const node of nodes.nodes) nodes.setMemory(node.url, memoryAt(node, views));
    this.#alarm.ringBy(clock.monotonic() + LOOK_EVERY_MS);
  }
}

/**
 * The memory of a node's host as the rpc backends there tell it, bytes: that of its GPUs, or else its RAM; `undefined` if
 * there are none.
 */
export function memoryAt(
  { address }: Pick<KnownNode, "address">,
  views: readonly BackendView[],
): number | undefined {
  if (address.transport === "unix") return undefined;
  const { hostname } = address;
  const devices = views.filter((view) => isOn(hostname, view)).flatMap((view) => view.devices);
  const gpus = devices.filter(({ kind }) => kind === "gpu");
  const counted = [...byMemory(gpus.length > 0 ? gpus : devices).values()];
  return counted.length === 0 ? undefined : counted.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
}

/** Several rpc backends may tell of one memory. */
function byMemory(devices: readonly BackendDevice[]): Map<string, BackendDevice> {
  return new Map(devices.map((device) => [device.memoryKey, device]));
}

function isOn(hostname: string, { endpoint, aliases }: BackendView): boolean {
  return [endpoint, ...aliases].some((name) => parseEndpoint(name).host === hostname);
}
