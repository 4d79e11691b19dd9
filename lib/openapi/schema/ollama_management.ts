import * as z from "zod";
import { component } from "./component.ts";
import { modelName } from "./ollama_chat.ts";

const stream = z.boolean().nullish().describe("Whether progress is told line by line. Default: true.");
const insecure = z.boolean().nullish().describe("Whether a registry without a valid certificate will do.");
const oldName = z.string().optional().describe("Instead of model, as older clients say it.");

export const transferRequest = component(
  "OllamaTransferRequest",
  z.looseObject({ model: modelName.optional(), name: oldName, insecure, stream })
    .describe("Which model is to be fetched or published."),
);

export const createRequest = component(
  "OllamaCreateRequest",
  z.looseObject({
    model: modelName.optional(),
    name: oldName,
    from: z.string().nullish().describe("The model that it is made from."),
    files: z.record(z.string(), z.string()).nullish().describe(
      "Or the files, each name with the digest of a blob.",
    ),
    adapters: z.record(z.string(), z.string()).nullish().describe("LoRA adapters, in the same way."),
    template: z.string().nullish().describe("What makes a prompt of a chat, in Go's language."),
    license: z.union([z.string(), z.array(z.string())]).nullish().describe("One, or several."),
    system: z.string().nullish().describe("Its system message."),
    parameters: z.looseObject({}).nullish().describe("Options stored with it."),
    messages: z.array(z.looseObject({})).nullish().describe("Turns that come before each chat."),
    quantize: z.string().nullish().describe("What its weights become, such as q4_K_M."),
    stream,
  }).describe("A model to be made."),
);

export const copyRequest = component(
  "OllamaCopyRequest",
  z.looseObject({
    source: z.string().describe("The model."),
    destination: z.string().describe("Its second name."),
  }).describe("A model that is to have a second name."),
);

export const deleteRequest = component(
  "OllamaDeleteRequest",
  z.looseObject({ model: modelName.optional(), name: oldName }).describe("A model to be deleted."),
);

export const progressLine = component(
  "OllamaProgress",
  z.looseObject({
    status: z.string().optional().describe("What is done now; success in the last line."),
    digest: z.string().optional().describe("Of the blob that is sent."),
    total: z.int().optional().describe("Its size, bytes."),
    completed: z.int().optional().describe("Of these, those that have been sent."),
    error: z.string().optional().describe("Only in the last line: why it failed."),
  }).describe("One line of progress."),
);
