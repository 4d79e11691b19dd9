import {
  bytesOfBase64,
  callsOf,
  type FakeDialect,
  type FakeGeneration,
  type FakeToolCall,
  numberOf,
  objectOf,
  type OllamaBody,
  textOf,
} from "./fake_ollama_dialect.ts";
import { thinksOf } from "./fake_ollama_openai.ts";

type Item = Readonly<Record<string, unknown>>;

/** `POST /v1/responses`, of Ollama 0.13.3 and later. */
export const OPENAI_RESPONSES: FakeDialect = {
  isOpenAi: true,
  streamType: "text/event-stream",
  streamsUnasked: false,
  check: () => {},
  promptOf: ({ input, instructions }) => `${instructions ?? ""} ${JSON.stringify(input ?? "")}`,
  wishOf(body) {
    const { type, schema } = objectOf(objectOf(body, "text"), "format");
    const last = itemsOf(body).at(-1);
    return {
      tools: (Array.isArray(body["tools"]) ? body["tools"] : []).filter(({ type }) => type === "function"),
      toolResult: last?.["type"] === "function_call_output" ? `${last["output"]}` : undefined,
      imageBytes: itemsOf(body).flatMap(({ content }) => Array.isArray(content) ? content : [])
        .flatMap(({ type, image_url }) => type === "input_image" ? [bytesOfBase64(image_url)] : []),
      format: type === "json_schema" ? schema : undefined,
      thinks: thinksOf(objectOf(body, "reasoning")["effort"]),
      topLogprobs: undefined,
    };
  },
  limitOf: (body) => numberOf(body, "max_output_tokens"),
  piece: (generation, index) => eventsOf(generation).pieces[index]!,
  ending: (generation) => eventsOf(generation).ending,
  crash: () => "", // it ends with what was told before
  whole: (generation) => response(generation, "completed", outputOf(generation)),
};

function itemsOf({ input }: OllamaBody): Item[] {
  return Array.isArray(input) ? input : [];
}

/** The events of a stream, made when its first piece is told. */
interface ResponseEvents {
  readonly pieces: readonly string[];
  readonly ending: string;
}

const MADE = new WeakMap<FakeGeneration, ResponseEvents>();

function eventsOf(generation: FakeGeneration): ResponseEvents {
  const made = MADE.get(generation) ?? makeEvents(generation);
  MADE.set(generation, made);
  return made;
}

/** One item after the other: each is added, told piece by piece, and done. */
function makeEvents(generation: FakeGeneration): ResponseEvents {
  let sequence = 0;
  let text = "";
  const say = (type: string, more: Item) => {
    const event = { ...more, sequence_number: sequence++, type };
    text += `event: ${type}\ndata: ${JSON.stringify(event)}\n\n`;
  };
  const taken = (): string => {
    const events = text;
    text = "";
    return events;
  };
  const started = response(generation, "in_progress", []);
  say("response.created", { response: started });
  say("response.in_progress", { response: started });
  let open: OpenItem | undefined;
  let itemCount = 0;
  const output = outputOf(generation);
  const pieces = generation.pieces.map((piece) => {
    if (open?.kind !== piece.kind || piece.kind === "call") {
      open?.close();
      open = openItem(piece.kind, output[itemCount]!, itemCount++, say);
    }
    open.tell(piece.kind === "call" ? piece.call.argumentsJson : piece.text);
    return taken();
  });
  open?.close();
  say("response.completed", { response: response(generation, "completed", output) });
  return { pieces, ending: taken() };
}

interface OpenItem {
  readonly kind: "thinking" | "text" | "call";
  readonly tell: (delta: string) => void;
  readonly close: () => void;
}

function openItem(
  kind: OpenItem["kind"],
  item: Item,
  output_index: number,
  say: (type: string, more: Item) => void,
): OpenItem {
  const place = { item_id: item["id"], output_index };
  const done = () => say("response.output_item.done", { item, output_index });
  const add = (begun: Item) =>
    say("response.output_item.added", { item: { ...item, ...begun }, output_index });
  switch (kind) {
    case "thinking": {
      add({ summary: [], encrypted_content: undefined });
      const event = "response.reasoning_summary_text";
      const text = textIn(item["summary"]);
      return {
        kind,
        tell: (delta) => say(`${event}.delta`, { delta, ...place, summary_index: 0 }),
        close: () => (say(`${event}.done`, { text, ...place, summary_index: 0 }), done()),
      };
    }
    case "text": {
      add({ content: [], status: "in_progress" });
      const at = { ...place, content_index: 0 };
      const [part] = item["content"] as [Item];
      say("response.content_part.added", { ...at, part: { ...part, text: "" } });
      return {
        kind,
        tell: (delta) => say("response.output_text.delta", { ...at, delta, logprobs: [] }),
        close: () => {
          say("response.output_text.done", { ...at, text: part["text"], logprobs: [] });
          say("response.content_part.done", { ...at, part });
          done();
        },
      };
    }
    case "call": {
      add({ arguments: "", status: "in_progress" });
      const event = "response.function_call_arguments";
      return {
        kind,
        tell: (delta) => say(`${event}.delta`, { ...place, delta }),
        close: () => (say(`${event}.done`, { ...place, arguments: item["arguments"] }), done()),
      };
    }
  }
}

function textIn(parts: unknown): string {
  return (parts as { text: string }[]).map(({ text }) => text).join("");
}

/** The items of an answer; a message also where nothing was said. */
function outputOf(generation: FakeGeneration): Item[] {
  const { id } = generation;
  const thinking = textOf(generation, "thinking");
  const text = textOf(generation, "text");
  const calls = callsOf(generation);
  return [
    ...(thinking === "" ? [] : [{
      id: `rs_${id}`,
      type: "reasoning",
      summary: [{ type: "summary_text", text: thinking }],
      encrypted_content: thinking,
    }]),
    ...calls.map((call, index) => callItem(call, `fc_${id}_${index}`)),
    ...(calls.length > 0 ? [] : [{
      id: `msg_${id}`,
      type: "message",
      status: "completed",
      role: "assistant",
      content: [{ type: "output_text", text, annotations: [], logprobs: [] }],
    }]),
  ];
}

function callItem({ id: call_id, name, argumentsJson }: FakeToolCall, id: string): Item {
  return { id, type: "function_call", status: "completed", call_id, name, arguments: argumentsJson };
}

/** With every field that Ollama has, whether it is used or not. */
function response(
  generation: FakeGeneration,
  status: "in_progress" | "completed",
  output: readonly Item[],
): Item {
  const { id, model, body, promptTokenCount, pieces } = generation;
  const isOver = status === "completed";
  const created_at = Math.floor(Date.now() / 1_000);
  return {
    id,
    object: "response",
    created_at,
    completed_at: isOver ? created_at : null,
    status,
    incomplete_details: null,
    model,
    previous_response_id: null,
    instructions: body["instructions"] ?? null,
    output,
    error: null,
    tools: toolsAsTold(body),
    tool_choice: "auto",
    truncation: "disabled",
    parallel_tool_calls: true,
    text: { format: { type: "text", ...objectOf(objectOf(body, "text"), "format") } },
    top_p: body["top_p"] ?? 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    top_logprobs: 0,
    temperature: body["temperature"] ?? 1,
    reasoning: body["reasoning"] ?? null,
    usage: isOver
      ? {
        input_tokens: promptTokenCount,
        output_tokens: pieces.length,
        total_tokens: promptTokenCount + pieces.length,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens_details: { reasoning_tokens: 0 },
      }
      : null,
    max_output_tokens: body["max_output_tokens"] ?? null,
    max_tool_calls: null,
    store: false,
    background: false,
    service_tier: "default",
    metadata: {},
    safety_identifier: null,
    prompt_cache_key: null,
  };
}

function toolsAsTold({ tools }: OllamaBody): unknown[] {
  return (Array.isArray(tools) ? tools : []).map((tool) => ({ strict: null, ...tool }));
}
