/** What every client is asked for, in the order of the table. */
export const FEATURES = [
  "list",
  "chat",
  "stream",
  "tools",
  "streamed tools",
  "structured output",
  "thinking",
  "image",
  "embeddings",
  "abort",
  "unknown model",
] as const;

/** One of them. */
export type Feature = typeof FEATURES[number];

/** A question, put in each client's own way. */
export interface Question {
  /** As clients name it. */
  readonly model: string;
  /** What the user says. */
  readonly prompt: string;
  /** Most tokens of the answer. */
  readonly maxTokens: number;
}

/** An answer, as the client shows it to its user. */
export interface ClientAnswer {
  /** All of its text. */
  readonly text: string;
  /** Tokens that it says the answer has; `undefined` if it does not say. */
  readonly tokenCount: number | undefined;
}

/** A streamed answer, as the client shows it. */
export interface StreamedAnswer extends ClientAnswer {
  /** Pieces that had text. */
  readonly pieceCount: number;
}

/** A tool, called by the model and answered. */
export interface ToolLoop {
  /** What the model called, arguments decoded. */
  readonly calls: readonly { readonly name: string; readonly arguments: unknown }[];
  /** What it said when it was told the result. */
  readonly text: string;
}

/** An answer with what was thought before it. */
export interface ThoughtAnswer extends ClientAnswer {
  readonly thinking: string;
}

/** How a client tells its user of a failure. */
export interface ClientFailure {
  /** Whether it is an error of the client's own making for this status, and nothing raw. */
  readonly isOwn: boolean;
  /** HTTP status, where the error has it. */
  readonly status: number | undefined;
  readonly message: string;
}

/** A real client of npm, brought to one form. What it has not is a sentence that says why. */
export interface CompatClient {
  /** As its package is called. */
  readonly name: string;
  /** Names of the models. */
  list: (() => Promise<string[]>) | string;
  chat(question: Question): Promise<ClientAnswer>;
  stream(question: Question): Promise<StreamedAnswer>;
  /** Lets the model call {@linkcode WEATHER}, tells it the result, and hears its answer. */
  tools: ((question: Question, result: string) => Promise<ToolLoop>) | string;
  /** The call alone, from a stream. */
  streamedTools: ((question: Question) => Promise<ToolLoop["calls"]>) | string;
  /** The answer in the form of {@linkcode REPORT}, decoded. */
  structured: ((question: Question) => Promise<unknown>) | string;
  think: ((question: Question) => Promise<ThoughtAnswer>) | string;
  /** Shows a PNG. */
  see: ((question: Question, png: Uint8Array) => Promise<ClientAnswer>) | string;
  embed: ((model: string, texts: string[]) => Promise<number[][]>) | string;
  /** Asks for a stream, leaves at its first text, and resolves when the client has let go of it. */
  abort(question: Question): Promise<void>;
  /** What it makes of an error that `ask` rejects with. */
  readFailure(error: unknown): ClientFailure;
}

/** The tool that models may call. Its city is an enumeration, so that a model of random words names it, too. */
export const WEATHER = {
  name: "get_weather",
  description: "Tells the weather of a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string", enum: ["Paris"] } },
    required: ["city"],
  },
} as const;

/** A form for answers, that a model of random words can fill in, too. */
export const REPORT = {
  type: "object",
  properties: { city: { type: "string", enum: ["Paris"] }, isSunny: { type: "boolean" } },
  required: ["city", "isSunny"],
  additionalProperties: false,
} as const;
