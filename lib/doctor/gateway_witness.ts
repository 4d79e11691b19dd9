import type { NodeSummary } from "../nodes/node.ts";
import type { BackendView } from "../rpc/backend.ts";

/** What a gateway that was asked said. */
export type Testimony =
  /** Nobody listens there. */
  | { readonly kind: "absent"; readonly reason: string }
  /** Somebody does, but does not tell: another server, another version; or a gateway that wants another key. */
  | { readonly kind: "silent"; readonly isGateway: boolean; readonly reason: string }
  | GatewayWord;

/** What a gateway told of itself and of those that it works with. */
export interface GatewayWord {
  /** It told. */
  readonly kind: "told";
  /** Of its sollol. */
  readonly version: string;
  /** The rpc backends that it knows. */
  readonly backends: readonly BackendView[];
  /** The Ollama nodes that it knows. */
  readonly nodes: readonly NodeSummary[];
  /** Names of the workers that report to it. */
  readonly workers: readonly string[];
  /** What is wrong there beside its backends and nodes, each a sentence. */
  readonly troubles: readonly string[];
  /** How far its clock is ahead of ours, ms; `undefined` if it does not tell. */
  readonly skewMs: number | undefined;
}

/** A gateway that may run, and can be asked. */
export interface GatewayWitness {
  /** Where it is, for people. */
  readonly url: string;
  /** Whether the operator said where it is: then it has to be there. */
  readonly isNamed: boolean;
  /** Asks it. @throws Only the signal's reason. */
  ask(signal: AbortSignal): Promise<Testimony>;
}
