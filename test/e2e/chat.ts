/** What a test asks. */
export interface ChatOptions {
  /** Default `tiny`. */
  readonly model?: string;
  /** Default 4. The tiny model never ends before. */
  readonly maxTokens?: number;
  readonly signal?: AbortSignal;
  /** Added to the request's own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Added to the fields of the request. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** An error as OpenAI's clients expect it. */
export interface ErrorBody {
  readonly message: string;
  readonly type: string;
  readonly code: string;
  readonly param: string | null;
  /** How much of a broken stream the client has. */
  readonly tokens_delivered?: number;
}

/** An answer that is no stream. */
export interface ChatAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly tokenCount: number | undefined;
  readonly error: ErrorBody | undefined;
}

/** What was left of a stream. */
export interface StreamEnd {
  readonly tokenCount: number;
  readonly finishReason: string | undefined;
  /** Whether `[DONE]` came. */
  readonly isDone: boolean;
  /** The event that ended it instead. */
  readonly error: ErrorBody | undefined;
}

/** Sends a chat and reads its answer. */
export async function chat(url: string, options: ChatOptions = {}): Promise<ChatAnswer> {
  const response = await postChat(url, options, false);
  const { choices, usage, error } = await response.json();
  return {
    status: response.status,
    headers: response.headers,
    text: choices?.[0]?.message.content ?? "",
    tokenCount: usage?.completion_tokens,
    error,
  };
}

/** A stream of an answer, of which the first event has been read: it names the role and holds no text. */
export class ChatStream {
  private constructor(
    /** The head of the answer. */
    readonly response: Response,
    private readonly events: AsyncGenerator<string>,
  ) {}

  /** Sends a chat and waits for its first event. */
  static async open(url: string, options: ChatOptions = {}): Promise<ChatStream> {
    const response = await postChat(url, options, true);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    const events = dataOf(response.body!);
    await events.next();
    return new ChatStream(response, events);
  }

  /** Reads so many tokens; fewer if the stream ends before. */
  async read(tokenCount: number): Promise<void> {
    for (let left = tokenCount; left > 0;) {
      const { value, done } = await this.events.next();
      if (done) return;
      if (value !== "[DONE]" && JSON.parse(value).choices?.[0]?.delta?.content) left--;
    }
  }

  /** Reads to the end. @throws Whatever breaks the connection. */
  async rest(): Promise<StreamEnd> {
    let [tokenCount, isDone] = [0, false];
    let finishReason: string | undefined;
    let error: ErrorBody | undefined;
    for await (const data of this.events) {
      if (data === "[DONE]") isDone = true;
      else {
        const event = JSON.parse(data);
        error ??= event.error;
        finishReason = event.choices?.[0]?.finish_reason ?? finishReason;
        if (event.choices?.[0]?.delta?.content) tokenCount++;
      }
    }
    return { tokenCount, finishReason, isDone, error };
  }
}

/** Sends a chat; what comes back is the caller's to read. */
export function postChat(url: string, options: ChatOptions, stream: boolean): Promise<Response> {
  const { model = "tiny", maxTokens = 4, signal, headers, fields } = options;
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({
      model,
      stream,
      max_tokens: maxTokens,
      temperature: 0,
      messages: [{ role: "user", content: "Tell me about the shelf" }],
      ...fields,
    }),
    ...(signal && { signal }),
  });
}

/** The data of each event, whatever the chunks that they come in. */
export async function* dataOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream() as ReadableWritablePair)) {
    const events = (text + chunk).split("\n\n");
    text = events.pop()!;
    for (const event of events) if (event.startsWith("data: ")) yield event.slice("data: ".length);
  }
}
