/** What an answer repeats where its request does not say. */
const DEFAULTS = {
  access_programs: null,
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: null,
  safety_identifier: null,
  service_tier: "default",
  temperature: null,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_logprobs: null,
  top_p: null,
  truncation: "disabled",
} as const satisfies Readonly<Record<string, unknown>>;

/**
 * What an answer to `POST /v1/responses` repeats of its request, as OpenAI's do; their clients count on most of it.
 *
 * @param request Its JSON.
 * @see https://platform.openai.com/docs/api-reference/responses/object
 */
export function responseSettings(
  request: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const settings = Object.entries(DEFAULTS).map(([key, unsaid]) => [key, request[key] ?? unsaid]);
  return { ...Object.fromEntries(settings), store: false };
}
