import type { Environment } from "../config/environment.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { findModelRoots, thisMachine } from "./locations.ts";
import { readEntry, readNames } from "./store_file.ts";

/** What {@linkcode chooseModelRoots} chooses from. */
export interface ModelRootOptions {
  /** What the operator said; may be empty. */
  readonly configured: readonly string[];
  /** Where Ollama is looked for without that. */
  readonly env: Environment;
  /** Told of each root that holds nothing now, with the cure. */
  readonly logger: Logger;
}

const WHERE = "models, --models or OLLAMA_MODELS";

/**
 * Where a gateway looks for models: where the operator says, else where Ollama keeps them. A root that is missing
 * or cannot be read is warned of and stays one: a disk may be mounted later.
 */
export async function chooseModelRoots({ configured, env, logger }: ModelRootOptions): Promise<string[]> {
  const roots = configured.length > 0 ? [...configured] : await findRoots(env, logger);
  for (const path of roots) await checkRoot(path, logger); // warned of in the operator's order
  return roots;
}

async function findRoots(env: Environment, logger: Logger): Promise<string[]> {
  const { roots, unreadable } = await findModelRoots(thisMachine(env));
  for (const { path, because } of unreadable) logger.warn("model store unreadable", { path, because });
  for (const { path, because } of roots) logger.info("model store found", { path, because });
  if (roots.length === 0) logger.warn("no model store found", { cure: `say where models are by ${WHERE}` });
  return roots.map(({ path }) => path);
}

async function checkRoot(path: string, logger: Logger): Promise<void> {
  try {
    const entry = await readEntry(path);
    if (entry?.type === "directory") await readNames(path);
    if (entry === undefined) {
      logger.warn("model root missing", { path, cure: `make or mount it, or correct ${WHERE}` });
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    logger.warn("model root unreadable", { path, because: error.message });
  }
}
