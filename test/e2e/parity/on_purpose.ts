import type { AnswerForm } from "./answer_form.ts";

/** A difference that is meant. */
export interface OnPurpose {
  /** By their names. */
  readonly requests: readonly string[];
  /** What is other; all else is to be as Ollama's. */
  readonly changes: Partial<Pick<AnswerForm, "status" | "contentType">> & {
    /** Makes our lines of Ollama's. */
    readonly lines?: (lines: readonly string[]) => readonly string[];
  };
  readonly because: string;
}

const JSON_TYPE = "application/json; charset=utf-8";

const LOADED = '{model: "tiny", created_at: time, message: {role: "assistant", content: string}, ' +
  'done: true, done_reason: "load"}';
const NOT_JSON =
  "The body is not valid JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)";

/** All that differs, and why. */
export const ON_PURPOSE: readonly OnPurpose[] = [
  {
    requests: ["tags"],
    changes: {
      lines: without(
        /, context_length: number, embedding_length: number(?=})/g,
        /, capabilities: \[[^\]]*]/g,
      ),
    },
    because: "each model's file would have to be read for a list; /api/show tells it",
  },
  {
    requests: [
      "show",
      "show of tools",
      "show of thinking",
      "show of embedding",
      "show verbose",
      "show by old field",
    ],
    changes: { lines: without(/general\.quantization_version: number, /g) },
    because: "Ollama writes this into a file that it imports; the test's store has the file as it was",
  },
  {
    requests: ["ps", "ps for ever", "ps of embedder"],
    changes: {
      lines: ([line]) => [
        line!.replaceAll(
          /context_length: number}/g,
          "context_length: number, sollol: {nodes: [], coordinators: [string]}}",
        ),
      ],
    },
    because: "ours: who has it in memory",
  },
  {
    requests: ["generate thinking stream"],
    changes: { lines: (lines) => lines.slice(1) },
    because: "Ollama begins with a line that says nothing, while it looks for the beginning of a thought",
  },
  {
    requests: ["generate template"],
    changes: {
      status: 400,
      lines: error(
        "This model runs on llama-server, which cannot use a Go template; " +
          'leave out "template", or send the finished prompt with "raw": true',
      ),
    },
    because: "llama-server has the template of the GGUF, and none of Go's",
  },
  {
    requests: ["chat bad keep alive"],
    changes: { status: 200, lines: () => [LOADED] },
    because: "a number in quotes is taken for seconds, as it is without them",
  },
  ...refusals("one sentence for all paths, and what to do; Ollama has three", {
    "show unknown": "model 'nope' not found",
    "chat unknown model": "model 'nope' not found; pull it with \"ollama pull nope\"",
    "generate unknown model": "model 'nope' not found; pull it with \"ollama pull nope\"",
    "embed unknown model": "model 'nope' not found; pull it with \"ollama pull nope\"",
    "embeddings unknown model": "model 'nope' not found; pull it with \"ollama pull nope\"",
  }),
  ...refusals("the field is named, in words that are not those of a Go program", {
    "show bad JSON": NOT_JSON,
    "chat bad JSON": NOT_JSON,
    "generate bad JSON": NOT_JSON,
    "embed bad JSON": NOT_JSON,
    "chat cut JSON": "The body is not valid JSON: Expected ',' or '}' after property value in JSON at " +
      "position 15 (line 1 column 16)",
    "chat array": "The body must be a JSON object with a model and what it is to do",
    "chat no body": "missing request body; send a JSON object with a model and what it is to do",
    "chat no model": 'The request names no model; add "model"',
    "chat stream as text": '"stream" must be true or false, not text',
    "chat messages as text": '"messages" must be a list, not text',
    "chat content as number": '"messages[0].content" must be text, not a number',
    "chat role as number": '"messages[0].role" must be text, not a number',
    "chat options as text": '"options" must be an object',
    "chat too many logprobs": '"top_logprobs" must be between 0 and 20',
    "chat bad image":
      'illegal base64 data in "messages[0].images[0]"; send the picture as base64, without "data:"',
    "generate prompt as number": '"prompt" must be text, not a number',
    "generate context as text": '"context" must be a list, not text',
    "embed bad input": '"input" must be text or a list of texts',
  }),
  ...refusals("a request without a model is wrong in itself, whichever models there are", {
    "generate no model": 'The request names no model; add "model"',
    "embed no model": 'The request names no model; add "model"',
  }, 400),
  ...refusals("the client is at fault, not the server", {
    "chat bad option": 'option "temperature" must be of type float32',
    "chat bad format": 'invalid format: "xml"; expected "json" or a valid JSON Schema object',
  }, 400),
  ...refusals("the model's short name, as the client wrote it", {
    "chat no tools": '"tiny" does not support tools',
    "generate suffix": '"tiny" does not support insert',
  }),
  ...refusals("said in the words for all else that a model cannot do; Ollama passes on llama-server's JSON", {
    "chat image": '"tiny" does not support images',
    "generate image": '"tiny" does not support images',
  }),
  ...refusals("Ollama puts the JSON of llama-server into its sentence; the templates differ by some tokens", {
    "chat too long":
      "request (15020 tokens) exceeds the available context size (2048 tokens), try increasing it",
    "generate too long":
      "request (15020 tokens) exceeds the available context size (2048 tokens), try increasing it",
  }),
  ...refusals("a model that cannot do such work is refused alike in all dialects, by its full name", {
    "chat by embedder": '"embedder:latest" does not support chat',
    "generate by embedder": '"embedder:latest" does not support chat',
    "embed by chat model":
      'Cannot embed with "tiny:latest": it is no embedding model, and a llama-server embeds with no other; ' +
      "ask for an embedding model, such as nomic-embed-text",
  }, 422),
  ...refusals("every error is JSON", {
    "chat by GET": "/api/chat does not know GET; use POST",
    "generate by GET": "/api/generate does not know GET; use POST",
  }),
];

function refusals(because: string, errors: Readonly<Record<string, string>>, status?: number): OnPurpose[] {
  return Object.entries(errors).map(([name, message]) => ({
    requests: [name],
    changes: { ...(status !== undefined && { status }), contentType: JSON_TYPE, lines: error(message) },
    because,
  }));
}

function error(message: string): () => readonly string[] {
  return () => [`{error: ${JSON.stringify(message)}}`];
}

function without(...parts: readonly RegExp[]): (lines: readonly string[]) => readonly string[] {
  return (lines) => lines.map((line) => parts.reduce((text, part) => text.replaceAll(part, ""), line));
}
