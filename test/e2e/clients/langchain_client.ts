import { type AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOllama, OllamaEmbeddings } from "@langchain/ollama";
import { type CompatClient, type Question, REPORT, WEATHER } from "./compat_client.ts";

/** LangChain's chat model for Ollama. */
export function langchainClient(url: string): CompatClient {
  const model = ({ model, maxTokens }: Question, think?: boolean): ChatOllama => {
    return new ChatOllama({
      baseUrl: url,
      model,
      numPredict: maxTokens,
      maxRetries: 0,
      ...(think && { think }),
    });
  };
  return {
    name: "@langchain/ollama",
    list: "LangChain lists no models",
    async chat(question) {
      const answer = await model(question).invoke(question.prompt);
      return { text: answer.text, tokenCount: tokenCountOf(answer) };
    },
    async stream(question) {
      let [text, pieceCount, tokenCount] = ["", 0, undefined as number | undefined];
      for await (const chunk of await model(question).stream(question.prompt)) {
        if (chunk.text !== "") [text, pieceCount] = [text + chunk.text, pieceCount + 1];
        tokenCount = tokenCountOf(chunk) ?? tokenCount;
      }
      return { text, pieceCount, tokenCount };
    },
    async tools(question, result) {
      const asked = new HumanMessage(question.prompt);
      const call = await model({ ...question, maxTokens: 200 }).bindTools(TOOLS).invoke([asked]);
      const calls = callsOf(call);
      const told = call.tool_calls!.map(({ id, name }) => {
        return new ToolMessage({ content: result, tool_call_id: id ?? "", name });
      });
      const { text } = await model(question).bindTools(TOOLS).invoke([asked, call, ...told]);
      return { calls, text };
    },
    async streamedTools(question) {
      const stream = await model({ ...question, maxTokens: 200 }).bindTools(TOOLS).stream(question.prompt);
      const chunks = await Array.fromAsync(stream);
      return chunks.flatMap(callsOf);
    },
    structured: (question) => {
      const runnable = model({ ...question, maxTokens: 200 }).withStructuredOutput(
        structuredClone(REPORT) as never,
        {
          method: "jsonSchema",
        },
      );
      return runnable.invoke(question.prompt);
    },
    async think(question) {
      const answer = await model(question, true).invoke(question.prompt);
      const thinking = `${answer.additional_kwargs["reasoning_content"] ?? ""}`;
      return { thinking, text: answer.text, tokenCount: tokenCountOf(answer) };
    },
    async see(question, png) {
      const url = `data:image/png;base64,${png.toBase64()}`;
      const content = [{ type: "text", text: question.prompt }, { type: "image_url", image_url: url }];
      const answer = await model(question).invoke([new HumanMessage({ content })]);
      return { text: answer.text, tokenCount: tokenCountOf(answer) };
    },
    embed: (model, texts) =>
      new OllamaEmbeddings({ baseUrl: url, model, maxRetries: 0 }).embedDocuments(texts),
    async abort(question) {
      const chat = model(question);
      try {
        for await (const chunk of await chat.stream(question.prompt)) {
          if (chunk.text !== "") chat.client.abort(); // its `signal` would end the loop, and leave the connection open
        }
      } catch (error) {
        if ((error as Error).name !== "AbortError") throw error;
      }
    },
    readFailure(error) {
      const { name, message, status_code } = error as Error & { status_code?: number };
      return { isOwn: name === "ResponseError", status: status_code, message };
    },
  };
}

const TOOLS = [{ type: "function", function: WEATHER }];

function callsOf({ tool_calls = [] }: Pick<AIMessage, "tool_calls">) {
  return tool_calls.map(({ name, args }) => ({ name, arguments: args as unknown }));
}

function tokenCountOf({ usage_metadata: usage }: { readonly usage_metadata?: unknown }): number | undefined {
  return (usage as { readonly output_tokens: number } | undefined)?.output_tokens;
}
