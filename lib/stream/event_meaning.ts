/**
 * What an event of an answer's stream means: `done`: the answer is whole; `error`: the upstream tells that it failed;
 * `token`: text, reasoning or a tool call, as good as always one token; `other`: all else.
 */
export type EventMeaning = "done" | "error" | "token" | "other";
