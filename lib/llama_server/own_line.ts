/** `0.00.196.914 I `: time since the start, and level. llama.cpp writes it wherever stderr is no terminal. */
const PREFIXED = /^\d+\.\d\d\.\d{3}\.\d{3} [A-Z] /;

/** `./src/ggml-rpc/ggml-rpc.cpp:682: `: last words, written past the logger, perhaps amid the prefix of another line. */
const ABORT = /^(?:[\d.]+ (?:[A-Z] )?)?\S+\.(?:c|cc|cpp|cu|cuh|h|m):\d+: /;

/**
 * How lines begin, or put in, what a request holds: its tools, grammar, JSON schema, sampler names and conversation
 * id. Quotes and braces are there for those that nobody has met yet: numbers need none.
 */
const CARRIES_TEXT = /got exception|send_error|conv_id|grammar|schema|template|["'{}]/i;

/**
 * Whether a line that llama-server wrote while it served holds its own words only. At verbosity 4 it tells nothing
 * of a request that is well formed, but repeats one that is not: a broken tool definition within a line, a grammar
 * that does not parse as lines without a prefix. A client that imitates the prefix in its grammar gets its own
 * words through.
 *
 * @see tools/server/server.cpp, src/llama-grammar.cpp and common/log.cpp of llama.cpp, b11669
 */
export function isOwnLine(line: string): boolean {
  return ABORT.test(line) || (PREFIXED.test(line) && !CARRIES_TEXT.test(line));
}
