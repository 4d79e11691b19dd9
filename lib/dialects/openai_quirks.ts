/** What of a chat is looked at, once it was checked. */
export interface CheckedChat {
  /** At least one. */
  readonly messages: readonly CheckedMessage[];
  /** What the model may call. */
  readonly tools?: readonly CheckedTool[] | null | undefined;
  /** See OpenAI's reference. */
  readonly max_completion_tokens?: number | null | undefined;
}

/** A message of it. */
export interface CheckedMessage {
  /** Whoever speaks. */
  readonly role: string;
  /** Text, a list of parts, or nothing. */
  readonly content?: unknown;
  /** Of an assistant. */
  readonly tool_calls?: readonly CheckedCall[] | null | undefined;
  /** Whatever else is text or nothing. */
  readonly [text: string]: unknown;
}

/** A call of a tool. */
export interface CheckedCall {
  /** What its result refers to. */
  readonly id?: string | null | undefined;
  /** `function`. */
  readonly type?: string | null | undefined;
  /** Its arguments are text, or an object. */
  readonly function: { readonly arguments: unknown };
}

/** A tool. */
export interface CheckedTool {
  /** `function`. */
  readonly type?: string | null | undefined;
  /** What it is for. */
  readonly function?: { readonly name: string; readonly description?: string | null | undefined } | undefined;
}

/** What of a chat some upstream does not understand as it stands. Most chats have nothing of it, and pass untouched. */
export interface ChatQuirks {
  /** Its first message is the system's or the developer's. */
  readonly beginsWithSystem: boolean;
  /** A message has its text in a list of parts: Ollama makes a message of each. */
  readonly hasTextParts: boolean;
  /** The arguments of a call stand there as an object: Ollama wants text. */
  readonly hasObjectArguments: boolean;
  /** It limits its answer by `max_completion_tokens`, which Ollama does not know. */
  readonly completionLimit: number | undefined;
  /** A message says `null` where llama-server wants text or nothing, or a call does not say that it is a function's. */
  readonly hasMessageGaps: boolean;
  /** The same of a tool. */
  readonly hasToolGaps: boolean;
}

/** Members of a message that are text for llama-server if they are there at all. */
export const MESSAGE_TEXTS = ["name", "reasoning_content", "tool_call_id"] as const;

/** Looks for quirks in a chat that was checked. */
export function chatQuirks({ messages, tools, max_completion_tokens: limit }: CheckedChat): ChatQuirks {
  const first = messages[0]?.role;
  return {
    beginsWithSystem: first === "system" || first === "developer",
    hasTextParts: messages.some(({ content }) => Array.isArray(content)),
    hasObjectArguments: messages.some(({ tool_calls: calls }) =>
      calls?.some((call) => typeof call.function.arguments !== "string")
    ),
    completionLimit: limit ?? undefined,
    hasMessageGaps: messages.some((message) =>
      MESSAGE_TEXTS.some((key) => message[key] === null) || message.tool_calls?.some(isCallWithGap)
    ),
    hasToolGaps: tools?.some((tool) => !tool.type || tool.function?.description === null) ?? false,
  };
}

function isCallWithGap({ id, type }: CheckedCall): boolean {
  return id === null || !type;
}
