import Anthropic from "@anthropic-ai/sdk";
import { type CompatClient, type Question, REPORT, WEATHER } from "./compat_client.ts";

/** Anthropic's messages by the official SDK. */
export function anthropicClient(url: string): CompatClient {
  const client = new Anthropic({ baseURL: url, apiKey: "none", maxRetries: 0 });
  const { messages } = client;
  return {
    name: "@anthropic-ai/sdk",
    list: async () => (await Array.fromAsync(client.models.list())).map(({ id }) => id),
    async chat(question) {
      const { content, usage } = await messages.create(messageBody(question));
      return { text: textOf(content), tokenCount: usage.output_tokens };
    },
    async stream(question) {
      let [text, pieceCount] = ["", 0];
      const stream = messages.stream(messageBody(question));
      stream.on("text", (piece) => [text, pieceCount] = [text + piece, pieceCount + 1]);
      const { usage } = await stream.finalMessage();
      return { text, pieceCount, tokenCount: usage.output_tokens };
    },
    async tools(question, result) {
      const { messages: asked, ...body } = { ...messageBody(question), tools: TOOLS };
      const { content } = await messages.create({ ...body, messages: asked, max_tokens: 200 });
      const calls = content.filter((block) => block.type === "tool_use");
      const told = calls.map(({ id }) => ({
        type: "tool_result" as const,
        tool_use_id: id,
        content: result,
      }));
      const last = await messages.create({
        ...body,
        messages: [...asked, { role: "assistant", content }, { role: "user", content: told }],
      });
      return { calls: calls.map(readCall), text: textOf(last.content) };
    },
    async streamedTools(question) {
      const stream = messages.stream({ ...messageBody(question), tools: TOOLS, max_tokens: 200 });
      return (await stream.finalMessage()).content.filter((block) => block.type === "tool_use").map(readCall);
    },
    async structured(question) {
      const { content } = await messages.create({
        ...messageBody(question),
        max_tokens: 200,
        tools: [{ name: "report", input_schema: REPORT as unknown as Anthropic.Tool.InputSchema }],
        tool_choice: { type: "tool", name: "report" },
      });
      return content.find((block) => block.type === "tool_use")!.input;
    },
    async think(question) {
      const { content, usage } = await messages.create({
        ...messageBody(question),
        max_tokens: 1_100,
        thinking: { type: "enabled", budget_tokens: 1_024 },
      });
      const thoughts = content.filter((block) => block.type === "thinking");
      return {
        thinking: thoughts.map(({ thinking }) => thinking).join(""),
        text: textOf(content),
        tokenCount: usage.output_tokens,
      };
    },
    async see(question, png) {
      const source = { type: "base64" as const, media_type: "image/png" as const, data: png.toBase64() };
      const { content, usage } = await messages.create({
        ...messageBody(question),
        messages: [{
          role: "user",
          content: [{ type: "text", text: question.prompt }, { type: "image", source }],
        }],
      });
      return { text: textOf(content), tokenCount: usage.output_tokens };
    },
    embed: "Anthropic's API has none",
    async abort(question) {
      const stream = messages.stream(messageBody(question));
      stream.on("text", () => stream.abort());
      try {
        await stream.finalMessage();
      } catch (error) {
        if (!(error instanceof Anthropic.APIUserAbortError)) throw error;
      }
    },
    readFailure(error) {
      const status = error instanceof Anthropic.APIError ? error.status : undefined;
      return { isOwn: error instanceof Anthropic.NotFoundError, status, message: (error as Error).message };
    },
  };
}

const TOOLS: Anthropic.Tool[] = [{
  name: WEATHER.name,
  description: WEATHER.description,
  input_schema: structuredClone(WEATHER.parameters) as unknown as Anthropic.Tool.InputSchema,
}];

function messageBody({ model, prompt, maxTokens }: Question): Anthropic.MessageCreateParamsNonStreaming {
  return { model, max_tokens: maxTokens, messages: [{ role: "user", content: prompt }] };
}

function textOf(content: readonly Anthropic.ContentBlock[]): string {
  return content.map((block) => block.type === "text" ? block.text : "").join("");
}

function readCall({ name, input }: Anthropic.ToolUseBlock) {
  return { name, arguments: input };
}
