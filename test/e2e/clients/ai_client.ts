import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, embedMany, generateText, isStepCount, jsonSchema, Output, streamText, tool } from "ai";
import { type CompatClient, type Question, REPORT, WEATHER } from "./compat_client.ts";

/** The AI SDK with its provider for all that resembles OpenAI. */
export function aiClient(url: string): CompatClient {
  const provider = createOpenAICompatible({
    name: "sollol",
    baseURL: `${url}/v1`,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  const settings = ({ model, prompt, maxTokens }: Question) => {
    return { model: provider(model), prompt, maxOutputTokens: maxTokens, maxRetries: 0 };
  };
  return {
    name: "ai + @ai-sdk/openai-compatible",
    list: "the AI SDK lists no models",
    async chat(question) {
      const { text, usage } = await generateText(settings(question));
      return { text, tokenCount: usage.outputTokens };
    },
    async stream(question) {
      let [text, pieceCount] = ["", 0];
      const result = streamText({ ...settings(question), onError: ({ error }) => Promise.reject(error) });
      for await (const piece of result.textStream) [text, pieceCount] = [text + piece, pieceCount + 1];
      return { text, pieceCount, tokenCount: (await result.usage).outputTokens };
    },
    async tools(question, result) {
      const get_weather = tool({ ...WEATHER_TOOL, execute: () => Promise.resolve(result) });
      const { steps, text } = await generateText({
        ...settings({ ...question, maxTokens: 200 }),
        tools: { get_weather },
        stopWhen: isStepCount(2),
      });
      const calls = steps.flatMap(({ toolCalls }) => toolCalls);
      return { calls: calls.map(({ toolName, input }) => ({ name: toolName, arguments: input })), text };
    },
    async streamedTools(question) {
      const { toolCalls } = streamText({
        ...settings({ ...question, maxTokens: 200 }),
        tools: { get_weather: tool(WEATHER_TOOL) },
      });
      return (await toolCalls).map(({ toolName, input }) => ({ name: toolName, arguments: input }));
    },
    async structured(question) {
      const { output } = await generateText({
        ...settings({ ...question, maxTokens: 200 }),
        output: Output.object({ schema: jsonSchema(structuredClone(REPORT) as never) }),
      });
      return output;
    },
    async think(question) {
      const { reasoningText, text, usage } = await generateText(settings(question));
      return { thinking: reasoningText ?? "", text, tokenCount: usage.outputTokens };
    },
    async see({ prompt, ...question }, png) {
      const { prompt: _unused, ...rest } = settings({ prompt, ...question });
      const { text, usage } = await generateText({
        ...rest,
        messages: [{
          role: "user",
          content: [{ type: "text", text: prompt }, { type: "file", data: png, mediaType: "image/png" }],
        }],
      });
      return { text, tokenCount: usage.outputTokens };
    },
    async embed(model, values) {
      return (await embedMany({ model: provider.embeddingModel(model), values, maxRetries: 0 })).embeddings;
    },
    async abort(question) {
      const leaving = new AbortController();
      const { textStream } = streamText({ ...settings(question), abortSignal: leaving.signal });
      for await (const piece of textStream) if (piece !== "") leaving.abort();
    },
    readFailure(error) {
      const isOwn = APICallError.isInstance(error);
      return { isOwn, status: isOwn ? error.statusCode : undefined, message: (error as Error).message };
    },
  };
}

const WEATHER_TOOL = {
  description: WEATHER.description,
  inputSchema: jsonSchema<{ city: string }>(structuredClone(WEATHER.parameters) as never),
};
