import { join } from "node:path";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { GatewayError } from "../errors.ts";
import { findModelRoots, thisMachine } from "../ollama/locations.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { ModelStore, resolvePath } from "../ollama/storage.ts";
import type { CliHost } from "./command.ts";

/**
 * Finds a model by its name as a request would, or takes the path of a .gguf file (with a slash or .gguf).
 *
 * @throws {GatewayError} `model_not_found` with near names and where it was looked for; `model_unusable`.
 */
export async function findModel(
  text: string,
  config: Pick<Config, "models">,
  { env, signal }: Pick<CliHost, "env" | "signal">,
): Promise<ResolvedModel> {
  const path = pathOf(text, env);
  return path === undefined ? await findByName(text, config, { env, signal }) : await resolvePath(path);
}

/** The path that a text means, if it cannot be a model's name: `hf.co/user/model` is one in spite of its slashes. */
function pathOf(text: string, env: Environment): string | undefined {
  if (text.startsWith("~/") && env["HOME"]) return join(env["HOME"], text.slice(2));
  return /^\.{0,2}\//.test(text) || text.endsWith(".gguf") ? text : undefined;
}

async function findByName(
  name: string,
  config: Pick<Config, "models">,
  { env, signal }: Pick<CliHost, "env" | "signal">,
): Promise<ResolvedModel> {
  const roots = await rootsOf(config, env);
  try {
    return await new ModelStore({ roots }).resolve(name, { signal });
  } catch (error) {
    // Clients of the gateway are not told where on this machine models lie; the operator is.
    if (!(error instanceof GatewayError) || error.code !== "model_not_found" || roots.length === 0) {
      throw error;
    }
    throw new GatewayError(error.code, `${error.message} (looked in ${roots.join(", ")})`, { cause: error });
  }
}

async function rootsOf({ models }: Pick<Config, "models">, env: Environment): Promise<readonly string[]> {
  if (models.length > 0) return models;
  const { roots } = await findModelRoots(thisMachine(env));
  return roots.map(({ path }) => path);
}
