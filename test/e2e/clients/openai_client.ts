import OpenAI from "openai";
import { type ClientFailure, type CompatClient, type Question, REPORT, WEATHER } from "./compat_client.ts";

/** Chat completions by the official SDK. */
export function openaiClient(url: string): CompatClient {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  const { completions } = client.chat;
  return {
    name: "openai (chat)",
    list: async () => (await client.models.list()).data.map(({ id }) => id),
    async chat(question) {
      const { choices, usage } = await completions.create(chatBody(question));
      return { text: choices[0]!.message.content!, tokenCount: usage?.completion_tokens };
    },
    async stream(question) {
      let [text, pieceCount, tokenCount] = ["", 0, undefined as number | undefined];
      const stream = await completions.create({
        ...chatBody(question),
        stream: true,
        stream_options: { include_usage: true },
      });
      for await (const { choices: [choice], usage } of stream) {
        if (choice?.delta.content) [text, pieceCount] = [text + choice.delta.content, pieceCount + 1];
        tokenCount = usage?.completion_tokens ?? tokenCount;
      }
      return { text, pieceCount, tokenCount };
    },
    async tools(question, result) {
      const { messages, ...body } = chatBody(question);
      const { choices: [asked] } = await completions.create({
        ...body,
        messages,
        tools: TOOLS,
        max_tokens: 200,
      });
      const { message } = asked!;
      const calls = message.tool_calls!.filter((call) => call.type === "function");
      const told = calls.map(({ id }) => ({ role: "tool" as const, tool_call_id: id, content: result }));
      const { choices: [last] } = await completions.create({
        ...body,
        messages: [...messages, message, ...told],
        tools: TOOLS,
      });
      return { calls: calls.map(({ function: called }) => readCall(called)), text: last!.message.content! };
    },
    async streamedTools(question) {
      const stream = completions.stream({ ...chatBody(question), tools: TOOLS, max_tokens: 200 });
      const { choices: [choice] } = await stream.finalChatCompletion();
      const calls = choice!.message.tool_calls!.filter((call) => call.type === "function");
      return calls.map(({ function: called }) => readCall(called));
    },
    async structured(question) {
      const { choices } = await completions.create({
        ...chatBody(question),
        max_tokens: 200,
        response_format: {
          type: "json_schema",
          json_schema: { name: "report", schema: REPORT, strict: true },
        },
      });
      return JSON.parse(choices[0]!.message.content!);
    },
    async think(question) {
      const { choices, usage } = await completions.create(chatBody(question));
      const message: Reasoned = choices[0]!.message;
      const thinking = message.reasoning_content ?? message.reasoning ?? "";
      return { thinking, text: message.content!, tokenCount: usage?.completion_tokens };
    },
    async see(question, png) {
      const { choices, usage } = await completions.create({
        ...chatBody(question),
        messages: [{
          role: "user",
          content: [{ type: "text", text: question.prompt }, {
            type: "image_url",
            image_url: { url: `data:image/png;base64,${png.toBase64()}` },
          }],
        }],
      });
      return { text: choices[0]!.message.content!, tokenCount: usage?.completion_tokens };
    },
    embed: async (model, input) =>
      (await client.embeddings.create({ model, input })).data.map(({ embedding }) => embedding),
    async abort(question) {
      const stream = await completions.create({ ...chatBody(question), stream: true });
      for await (const { choices: [choice] } of stream) if (choice?.delta.content) break;
    },
    readFailure: readOpenaiFailure,
  };
}

/** The Responses API by the official SDK. */
export function openaiResponsesClient(url: string): CompatClient {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  const { responses } = client;
  const tools = [{ type: "function" as const, strict: false, ...WEATHER }];
  return {
    name: "openai (responses)",
    list: "the same call as in chat",
    async chat(question) {
      const { output_text, usage } = await responses.create(responseBody(question));
      return { text: output_text, tokenCount: usage?.output_tokens };
    },
    async stream(question) {
      let [text, pieceCount, tokenCount] = ["", 0, undefined as number | undefined];
      for await (const event of await responses.create({ ...responseBody(question), stream: true })) {
        if (event.type === "response.output_text.delta") {
          [text, pieceCount] = [text + event.delta, pieceCount + 1];
        }
        if (event.type === "response.completed" || event.type === "response.incomplete") {
          tokenCount = event.response.usage?.output_tokens;
        }
      }
      return { text, pieceCount, tokenCount };
    },
    async tools(question, result) {
      const body = { ...responseBody(question), tools };
      const { output } = await responses.create({ ...body, max_output_tokens: 200 });
      const calls = output.filter((item) => item.type === "function_call");
      const told = calls.map(({ call_id }) => ({
        type: "function_call_output" as const,
        call_id,
        output: result,
      }));
      const user = { role: "user" as const, content: question.prompt };
      const { output_text } = await responses.create({ ...body, input: [user, ...calls, ...told] });
      return { calls: calls.map(readCall), text: output_text };
    },
    async streamedTools(question) {
      const stream = responses.stream({ ...responseBody(question), tools, max_output_tokens: 200 });
      const { output } = await stream.finalResponse();
      return output.filter((item) => item.type === "function_call").map(readCall);
    },
    async structured(question) {
      const format = { type: "json_schema" as const, name: "report", schema: REPORT, strict: true };
      const body = { ...responseBody(question), max_output_tokens: 200, text: { format } };
      return JSON.parse((await responses.create(body)).output_text);
    },
    async think(question) {
      const { output, output_text, usage } = await responses.create(responseBody(question));
      const thoughts = output.filter((item) => item.type === "reasoning");
      const thinking = thoughts.flatMap(({ summary, content = [] }) => [...summary, ...content]);
      return {
        thinking: thinking.map(({ text }) => text).join(""),
        text: output_text,
        tokenCount: usage?.output_tokens,
      };
    },
    async see(question, png) {
      const image_url = `data:image/png;base64,${png.toBase64()}`;
      const { output_text, usage } = await responses.create({
        ...responseBody(question),
        input: [{
          role: "user",
          content: [{ type: "input_text", text: question.prompt }, {
            type: "input_image",
            detail: "auto",
            image_url,
          }],
        }],
      });
      return { text: output_text, tokenCount: usage?.output_tokens };
    },
    embed: "the same call as in chat",
    async abort(question) {
      const stream = await responses.create({ ...responseBody(question), stream: true });
      for await (const { type } of stream) if (type === "response.output_text.delta") break;
    },
    readFailure: readOpenaiFailure,
  };
}

interface Reasoned {
  readonly content: string | null;
  /** As llama-server calls it. */
  readonly reasoning_content?: string;
  /** As Ollama calls it. */
  readonly reasoning?: string;
}

const TOOLS = [{ type: "function" as const, function: WEATHER }];

function chatBody({ model, prompt, maxTokens }: Question) {
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: prompt }];
  return { model, messages, max_tokens: maxTokens };
}

function responseBody({ model, prompt, maxTokens }: Question) {
  return { model, input: prompt, max_output_tokens: maxTokens };
}

function readCall({ name, arguments: json }: { readonly name: string; readonly arguments: string }) {
  return { name, arguments: JSON.parse(json) as unknown };
}

function readOpenaiFailure(error: unknown): ClientFailure {
  const isOwn = error instanceof OpenAI.NotFoundError;
  const status = error instanceof OpenAI.APIError ? error.status : undefined;
  return { isOwn, status, message: (error as Error).message };
}
