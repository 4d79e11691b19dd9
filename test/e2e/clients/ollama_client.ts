import { Ollama } from "ollama";
import { type CompatClient, type Question, REPORT, WEATHER } from "./compat_client.ts";

/** Ollama's own API by its official client. */
export function ollamaClient(url: string): CompatClient {
  const client = new Ollama({ host: url });
  return {
    name: "ollama",
    list: async () => (await client.list()).models.map(({ name }) => name),
    async chat(question) {
      const { message, eval_count } = await client.chat({ ...chatBody(question), stream: false });
      return { text: message.content, tokenCount: eval_count };
    },
    async stream(question) {
      let [text, pieceCount, tokenCount] = ["", 0, undefined as number | undefined];
      for await (
        const { message, eval_count } of await client.chat({ ...chatBody(question), stream: true })
      ) {
        if (message.content !== "") [text, pieceCount] = [text + message.content, pieceCount + 1];
        tokenCount = eval_count ?? tokenCount;
      }
      return { text, pieceCount, tokenCount };
    },
    async tools(question, result) {
      const { messages, ...body } = { ...chatBody(question), tools: TOOLS, stream: false as const };
      const { message } = await client.chat({ ...body, messages, options: { num_predict: 200 } });
      const calls = message.tool_calls!.map((call) => call.function);
      const told = calls.map(({ name }) => ({ role: "tool", tool_name: name, content: result }));
      const last = await client.chat({ ...body, messages: [...messages, message, ...told] });
      return {
        calls: calls.map((call) => ({ name: call.name, arguments: call.arguments })),
        text: last.message.content,
      };
    },
    async streamedTools(question) {
      const body = { ...chatBody(question), tools: TOOLS, options: { num_predict: 200 } };
      const parts = await Array.fromAsync(await client.chat({ ...body, stream: true }));
      const calls = parts.flatMap(({ message }) => message.tool_calls ?? []);
      return calls.map((call) => ({ name: call.function.name, arguments: call.function.arguments }));
    },
    async structured(question) {
      const body = { ...chatBody(question), format: REPORT, options: { num_predict: 200 } };
      return JSON.parse((await client.chat({ ...body, stream: false })).message.content);
    },
    async think(question) {
      const { message, eval_count } = await client.chat({
        ...chatBody(question),
        think: true,
        stream: false,
      });
      return { thinking: message.thinking ?? "", text: message.content, tokenCount: eval_count };
    },
    async see(question, png) {
      const { messages: [user], ...body } = chatBody(question);
      const { message, eval_count } = await client.chat({
        ...body,
        messages: [{ ...user!, images: [png] }],
        stream: false,
      });
      return { text: message.content, tokenCount: eval_count };
    },
    embed: async (model, input) => (await client.embed({ model, input })).embeddings,
    async abort(question) {
      const stream = await client.chat({ ...chatBody(question), stream: true });
      try {
        for await (const { message } of stream) if (message.content !== "") stream.abort();
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

const TOOLS = [{
  type: "function",
  function: { ...WEATHER, parameters: structuredClone(WEATHER.parameters) as never },
}];

function chatBody({ model, prompt, maxTokens }: Question) {
  return { model, messages: [{ role: "user", content: prompt }], options: { num_predict: maxTokens } };
}
