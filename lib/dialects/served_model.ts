import type { StoredMessage } from "../ollama/model_config.ts";
import type { ModelParams } from "../ollama/params.ts";

/** What a model can do, by Ollama's names. */
export type Capability = "completion" | "tools" | "insert" | "vision" | "audio" | "embedding" | "thinking";

/** A model as a coordinator of ours serves it: what its manifest says, and what its file shows. */
export interface ServedModel {
  /** Its name for people: `llama3.1:70b`. */
  readonly name: string;
  /** Tokens of one slot. */
  readonly contextSize: number;
  /** Options stored with the model; a request's own go before them. */
  readonly params: ModelParams;
  /** System message of chats that begin with none. */
  readonly system?: string | undefined;
  /** Turns that come before each chat. */
  readonly messages?: readonly StoredMessage[] | undefined;
  /** What it can do. */
  readonly capabilities: ReadonlySet<Capability>;
  /** How many tokens it knows, where its file says so. */
  readonly vocabularySize?: number | undefined;
  /** Why nobody can chat with it, though it may complete texts; a sentence for whoever tries. */
  readonly chatObstacle?: string | undefined;
}
