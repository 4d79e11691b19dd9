import { chunk, type Play, streamHead } from "../../fakes/played_upstream.ts";
import { UPSTREAM_WORDS, type UpstreamWords } from "../../fakes/upstream_words.ts";

/** A way in which an upstream spoils a stream. */
export interface Breakage {
  readonly name: string;
  /** Whether the client has got nothing yet, so that another node can answer. */
  readonly isEarly?: boolean;
  /** What is sent behind the head; `undefined`: not even the head is. */
  readonly say: ((words: UpstreamWords) => string) | undefined;
  /** Whether the stream ends as HTTP wants it; otherwise the connection is cut. */
  readonly endsProperly?: boolean;
}

const half = (text: string) => text.slice(0, Math.ceil(text.length / 2));

/** More than any event has. */
const HUGE = "x".repeat(20 * 1024 * 1024);

/** All ways. */
export const BREAKAGES: readonly Breakage[] = [
  { name: "dies without a word", isEarly: true, say: undefined },
  { name: "dies behind the head", isEarly: true, say: () => "" },
  { name: "ends behind the head", isEarly: true, say: () => "", endsProperly: true },
  { name: "dies amid the first event", isEarly: true, say: ({ first }) => half(first.split("\n\n")[0]!) },
  { name: "begins with an error", isEarly: true, say: ({ error }) => error, endsProperly: true },
  { name: "dies after the first event", say: ({ first }) => first },
  { name: "dies amid a later event", say: ({ first }) => first + half(first) },
  { name: "dies amid its last words", say: ({ first, finish, end }) => first + half(finish + end) },
  { name: "dies before the end", say: ({ first, finish }) => first + finish },
  { name: "ends without the end", say: ({ first, finish }) => first + finish, endsProperly: true },
  { name: "tells of an error", say: ({ first, error }) => first + error, endsProperly: true },
  { name: "tells of an error and dies", say: ({ first, error }) => first + error },
  {
    name: "tells of an error, and that all is well",
    say: ({ first, finish, end, error }) => first + error + finish + end,
    endsProperly: true,
  },
  { name: "tells garbage", say: ({ first }) => `${first}%&$ garbage\n\n`, endsProperly: true },
  { name: "tells an event of 20 MB", say: ({ first, open }) => first + open + HUGE, endsProperly: true },
];

/** A client's request for a stream, and how its dialect tells that it failed or is whole. */
export interface StreamedRequest {
  readonly name: string;
  readonly path: string;
  readonly fields: (text: string) => object;
  /** Matches each word of success. */
  readonly success: RegExp;
  /** Matches each event of an error. */
  readonly error: RegExp;
}

const chat = (text: string) => ({ messages: [{ role: "user", content: text }] });
const OPENAI = { success: /\[DONE\]/, error: /^data: \{"error":\{/gm } as const;
const OLLAMA = { success: /"done":true/, error: /^\{"error":"/gm } as const;

/** All endpoints that stream, as far as they differ. */
export const STREAMED_REQUESTS: readonly StreamedRequest[] = [
  { name: "/v1/chat/completions", path: "/v1/chat/completions", fields: chat, ...OPENAI },
  {
    name: "/v1/chat/completions n=2",
    path: "/v1/chat/completions",
    fields: (text) => ({ ...chat(text), n: 2 }),
    ...OPENAI,
  },
  { name: "/v1/completions", path: "/v1/completions", fields: (prompt) => ({ prompt }), ...OPENAI },
  {
    name: "/v1/responses",
    path: "/v1/responses",
    fields: (input) => ({ input }),
    success: /response\.completed/,
    error: /^event: error$/gm,
  },
  {
    name: "/v1/messages",
    path: "/v1/messages",
    fields: (text) => ({ ...chat(text), max_tokens: 9 }),
    success: /message_stop/,
    error: /^event: error$/gm,
  },
  { name: "/api/chat", path: "/api/chat", fields: chat, ...OLLAMA },
  { name: "/api/generate", path: "/api/generate", fields: (prompt) => ({ prompt }), ...OLLAMA },
  {
    name: "/api/generate raw",
    path: "/api/generate",
    fields: (prompt) => ({ prompt, raw: true }),
    ...OLLAMA,
  },
];

/** Spoils streams as the text in each request says: `break-3` by the third way. Whoever is asked again answers as it should. */
export function spoiler(isForgivenOnce: boolean): Play {
  const seen = new Set<string>();
  return async (peer, request) => {
    const key = /case-\d+-break-(\d+)/.exec(request.body);
    const words = UPSTREAM_WORDS[request.path];
    if (!words || !key) return false;
    const isSpoilt = !seen.has(key[0]) || !isForgivenOnce;
    seen.add(key[0]);
    if (!isSpoilt) {
      await peer.send(streamHead(words.type), chunk(words.first + words.finish + words.end), chunk(""));
      return;
    }
    const { say, endsProperly } = BREAKAGES[Number(key[1])]!;
    if (say === undefined) return false;
    await peer.send(streamHead(words.type));
    const said = say(words);
    if (said !== "") await peer.send(chunk(said));
    if (endsProperly) await peer.send(chunk(""));
    return endsProperly ?? false;
  };
}

/** The text that has a request spoilt. */
export function spoilt(index: number, breakage: number): string {
  return `case-${index}-break-${breakage}`;
}
