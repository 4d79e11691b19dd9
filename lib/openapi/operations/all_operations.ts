import { ANTHROPIC_OPERATIONS } from "./anthropic_operations.ts";
import { BACKEND_OPERATIONS } from "./backend_operations.ts";
import { BATCH_OPERATIONS } from "./batch_operations.ts";
import { HEALTH_OPERATIONS } from "./health_operations.ts";
import { LLAMA_SERVER_OPERATIONS } from "./llama_server_operations.ts";
import { MODEL_OPERATIONS } from "./model_operations.ts";
import { NODE_OPERATIONS } from "./node_operations.ts";
import { OLLAMA_MANAGEMENT_OPERATIONS } from "./ollama_management_operations.ts";
import { OLLAMA_OPERATIONS } from "./ollama_operations.ts";
import { OPENAI_OPERATIONS } from "./openai_operations.ts";
import type { Operation } from "./operation.ts";

/** All that is served. */
export const OPERATIONS: readonly Operation[] = [
  ...OPENAI_OPERATIONS,
  ...ANTHROPIC_OPERATIONS,
  ...OLLAMA_OPERATIONS,
  ...OLLAMA_MANAGEMENT_OPERATIONS,
  ...LLAMA_SERVER_OPERATIONS,
  ...BATCH_OPERATIONS,
  ...HEALTH_OPERATIONS,
  ...MODEL_OPERATIONS,
  ...NODE_OPERATIONS,
  ...BACKEND_OPERATIONS,
];
