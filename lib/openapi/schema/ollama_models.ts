import * as z from "zod";
import { component } from "./component.ts";
import { modelName } from "./ollama_chat.ts";

const details = component(
  "OllamaDetails",
  z.object({
    parent_model: z.string().describe("What it was made from; of an alias, the model. Often empty."),
    format: z.string().describe("Of its weights, such as gguf."),
    family: z.string().describe("The architecture, such as llama."),
    families: z.array(z.string()).nullable().describe("The same, as a list; null for none."),
    parameter_size: z.string().describe("Number of parameters for people: 8.0B."),
    quantization_level: z.string().describe("Such as Q4_K_M."),
    context_length: z.int().optional().describe("Tokens that it was trained for."),
    embedding_length: z.int().optional().describe("Length of its vectors."),
  }).describe("What a model is; what is not known is empty."),
);

const named = {
  name: z.string().describe("With its tag."),
  model: z.string().describe("The same."),
  size: z.int().describe("Bytes; 0 where it is not known."),
  digest: z.string().describe("SHA-256 of its manifest, hex; empty where it is not known."),
  details: details.describe("What it is."),
};

export const tags = component(
  "OllamaTags",
  z.object({
    models: z.array(z.object({
      ...named,
      modified_at: z.string().describe("When it changed, RFC 3339; 1970 where it is not known."),
      capabilities: z.array(z.string()).optional().describe(
        "What it can do, such as completion, tools, vision.",
      ),
      sollol: z.object({
        available: z.literal(false).describe("Always."),
        because: z.string().describe("Why not."),
        nodes: z.array(z.string()).describe("Names of those that hold it nevertheless."),
      }).optional().describe("Only where nobody can serve it now."),
    })).describe("The newest first."),
  }).describe("All models of nodes, coordinators and the store, aliases too."),
);

export const processes = component(
  "OllamaProcesses",
  z.object({
    models: z.array(z.object({
      ...named,
      expires_at: z.string().describe("When it is unloaded if nobody asks, RFC 3339; far away for never."),
      size_vram: z.int().describe("Of its size, what is on GPUs, bytes."),
      context_length: z.int().optional().describe("Tokens of the context that it was loaded with."),
      sollol: z.object({
        nodes: z.array(z.string()).describe("Names of the nodes that have it in memory."),
        coordinators: z.array(z.string()).describe("Names of the coordinators that have it in memory."),
      }).optional().describe("Where it is."),
    })).describe("The one that stays longest first."),
  }).describe("Models in memory: of all nodes, and of coordinators that are ready."),
);

export const showRequest = component(
  "OllamaShowRequest",
  z.looseObject({
    model: modelName.optional(),
    name: z.string().optional().describe("Instead of model, as older clients say it."),
    verbose: z.boolean().nullish().describe("Whether long lists are told too. Default: false."),
  }).describe("Which model is to be shown."),
);

export const shown = component(
  "OllamaShown",
  z.object({
    license: z.string().optional().describe("All of them."),
    modelfile: z.string().optional().describe("What would make it again."),
    parameters: z.string().optional().describe("Options stored with it, one a line."),
    template: z.string().optional().describe("What makes a prompt of a chat."),
    system: z.string().optional().describe("Its system message."),
    renderer: z.string().optional().describe("Ollama's own way of making prompts, where it has one."),
    parser: z.string().optional().describe("Ollama's own way of reading answers, where it has one."),
    requires: z.string().optional().describe("The least version of Ollama."),
    details: details.optional().describe("What it is."),
    messages: z.array(z.looseObject({})).optional().describe("Turns that come before each chat."),
    model_info: z.looseObject({}).nullish().describe(
      "The keys of its GGUF file; lists that are too long are null.",
    ),
    projector_info: z.looseObject({}).optional().describe("The keys of its projector."),
    tensors: z.array(z.object({
      name: z.string().describe("As the file has it."),
      type: z.string().describe("Such as Q4_K."),
      shape: z.array(z.int()).describe("Its dimensions."),
    })).nullish().describe("Only if verbose."),
    capabilities: z.array(z.string()).optional().describe(
      "What it can do: completion, tools, insert, vision, audio, embedding, thinking.",
    ),
    modified_at: z.string().optional().describe("When it changed, RFC 3339."),
    remote_model: z.string().optional().describe("Of a model of Ollama's cloud."),
    remote_host: z.string().optional().describe("Of a model of Ollama's cloud."),
  }).describe("A model, told by a node, or made from its GGUF file and manifest."),
);

export const version = component(
  "OllamaVersion",
  z.object({ version: z.string().describe("Of the Ollama that clients may take this for.") }).describe(
    "A version.",
  ),
);

export const cloudStatus = component(
  "OllamaStatus",
  z.object({
    cloud: z.object({
      disabled: z.boolean().describe("Whether it is switched off."),
      source: z.string().describe("By whom."),
    }).describe("Ollama's cloud."),
  }).describe("What is to be had."),
);
