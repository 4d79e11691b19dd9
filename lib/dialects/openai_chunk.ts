import * as z from "zod";

/** What of a chat chunk is read; the rest is kept as it is. */
export type ChatChunk = z.infer<typeof chatChunk>;

const delta = z.looseObject({
  role: z.string().nullish(),
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  tool_calls: z.array(z.unknown()).nullish(),
});

const chatChunk = z.looseObject({
  id: z.string(),
  object: z.literal("chat.completion.chunk"),
  choices: z.array(z.looseObject({
    index: z.int(),
    finish_reason: z.string().nullish(),
    delta,
  })),
});

/** Reads an event of a chat stream; `undefined` if it is none. */
export function readChatChunk(data: string): ChatChunk | undefined {
  return read(chatChunk, data);
}

/** What is read of a chunk of `/v1/completions`. */
export type TextChunk = z.infer<typeof textChunk>;

const textChunk = z.object({
  choices: z.array(z.object({ text: z.string(), finish_reason: z.string().nullish() })).length(1),
  usage: z.object({ prompt_tokens: z.int().min(0), completion_tokens: z.int().min(0) }).nullish(),
});

/** Reads an event of a text stream; `undefined` if it is none. */
export function readTextChunk(data: string): TextChunk | undefined {
  return read(textChunk, data);
}

function read<T>(shape: z.ZodType<T>, data: string): T | undefined {
  try {
    return shape.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}
