import { capabilitiesOf } from "../dialects/capabilities.ts";
import type { ServedModel } from "../dialects/served_model.ts";
import { GatewayError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { GgufModel } from "../gguf/model_info.ts";
import type { ModelTraits } from "../gguf/model_traits.ts";
import type { ResolvedModel } from "../ollama/resolved_model.ts";
import { openGguf } from "../store/gguf_file.ts";

/** A model that was read, and all that a llama-server makes of it. */
export interface ServedContent {
  /** Its files, and what its manifest says. */
  readonly model: ResolvedModel;
  /** What its file says. */
  readonly content: GgufModel;
  /** What its projector adds; `undefined` if it has none, or none that can be read. */
  readonly projector: ModelTraits | undefined;
}

/** What a model's projector adds; what is wrong with it is for llama-server to tell. @throws The signal's reason. */
export async function readProjector(
  { projectorPaths: [path] }: Pick<ResolvedModel, "projectorPaths">,
  signal: AbortSignal,
): Promise<ModelTraits | undefined> {
  if (path === undefined) return undefined;
  try {
    return (await openGguf(path, { signal })).model.traits;
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

/** A model as a coordinator with slots of this many tokens serves it. */
export function servedModel({ model, content, projector }: ServedContent, contextSize: number): ServedModel {
  const { name, params, system, messages } = model;
  const capabilities = capabilitiesOf({ content, stored: model, projector });
  return {
    ...{ name, contextSize, params, system, messages, capabilities },
    vocabularySize: content.vocabularySize,
    chatObstacle: capabilities.has("completion") ? templateObstacle(model, content) : undefined,
  };
}

/** llama-server would take a template of its own choice, and the answers would be nonsense. */
function templateObstacle(
  { name, template, renderer }: ResolvedModel,
  content: GgufModel,
): string | undefined {
  if (content.chatTemplate !== undefined) return undefined;
  const stored = template !== undefined || renderer !== undefined
    ? ", and the one that Ollama stored with it is none that llama-server can read"
    : "";
  return `Cannot chat with "${name}": its file holds no chat template${stored}; ` +
    "ask for a plain completion, or run it on an Ollama node";
}

/** Says in the log what of a manifest's own template is not followed. */
export function noteTemplate({ model, content }: ServedContent, logger: Pick<Logger, "warn">): void {
  const because = templateNote(model, content);
  if (because !== undefined) logger.warn("stored template not used", { model: model.name, because });
}

function templateNote({ template, renderer }: ResolvedModel, content: GgufModel): string | undefined {
  if (template === undefined && renderer === undefined) return undefined;
  const what = renderer === undefined
    ? "the Go template stored with it"
    : `Ollama's built-in renderer "${renderer}"`;
  const instead = content.chatTemplate === undefined
    ? "its file holds no chat template either, so that nobody can chat with it here"
    : "the chat template in its file is used";
  return `llama-server cannot use ${what}; ${instead}`;
}
