import type { Secrets } from "../config/secrets.ts";
import type { NodeSource } from "./node.ts";
import type { WakeTarget } from "./wake_target.ts";

/** What is said of an Ollama node by those who named it; the rest is found out. */
export interface NodeSettings {
  /** Names it for people; unique among the nodes. */
  readonly name: string;
  /** Where it is, as `parseNodeUrl` writes it; tells it from others. */
  readonly url: string;
  /** Most requests that it gets at a time, at least 1. */
  readonly slotCount: number;
  /** How much more than others it is given, usually 1. */
  readonly weight: number;
  /** What the operator calls it, to route by. */
  readonly tags: readonly string[];
  /** Patterns with `*` of the models that it may serve, compared without regard to case; empty for all. */
  readonly allowedModels: readonly string[];
  /** Its memory for models, bytes; `undefined`: as its worker tells, or unknown. */
  readonly memoryBytes: number | undefined;
  /** The key that it, or a proxy before it, asks for. */
  readonly apiKey: Secrets | undefined;
  /** How it is woken, if it may sleep. */
  readonly wake: WakeTarget | undefined;
  /** Whether it runs on the host of this gateway. */
  readonly isLocal: boolean;
  /** Who told of it. */
  readonly sources: readonly NodeSource[];
  /** Other addresses of the same node. */
  readonly aliases: readonly string[];
}

/** The headers that its requests carry. */
export function headersOf({ apiKey }: Pick<NodeSettings, "apiKey">): readonly (readonly [string, string])[] {
  const key = apiKey?.reveal()[0];
  return key === undefined ? [] : [["authorization", `Bearer ${key}`]];
}
