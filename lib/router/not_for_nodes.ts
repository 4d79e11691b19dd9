import type { Demand, Task } from "./decision.ts";

/** Why no node can serve a request that only a llama-server can, in a clause; `undefined` for any other request. */
export function notForNodes({ only, task = "chat" }: Demand): string | undefined {
  return only === undefined ? undefined : REASONS[task];
}

const REASONS: Readonly<Record<Task, string>> = {
  chat: "an Ollama node cannot chat so",
  completion: "an Ollama node cannot complete it so",
  embedding: "an Ollama node cannot embed it so",
  rerank: "an Ollama node cannot rank texts",
  utility: "an Ollama node cannot do that, only a llama-server can",
};
