import { sumUsage } from "./openai_usage.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * One answer with several choices out of answers with one each, in their order. What the upstreams measured is left out: it
 * is each one's own.
 *
 * @throws {SyntaxError} If one of them is no answer to a chat or a completion with one choice.
 */
export function joinChoices(bodies: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const answers = bodies.map(read);
  const { timings: _, ...first } = answers[0]!;
  const choices = answers.map(({ choices: [choice] }, index) => ({ ...choice, index }));
  const usages = answers.flatMap(({ usage }) => usage ?? []);
  return encoder.encode(JSON.stringify({
    ...first,
    choices,
    ...(usages.length > 0 && { usage: sumUsage(usages) }),
  }));
}

interface ChoiceAnswer {
  readonly choices: readonly [Record<string, unknown>];
  readonly usage?: unknown;
  readonly [other: string]: unknown;
}

function read(body: Uint8Array): ChoiceAnswer {
  const said: unknown = JSON.parse(decoder.decode(body));
  const choices = (said as { choices?: unknown } | null)?.choices;
  if (!Array.isArray(choices) || choices.length !== 1) {
    throw new SyntaxError("want an answer with one choice");
  }
  return said as ChoiceAnswer;
}
