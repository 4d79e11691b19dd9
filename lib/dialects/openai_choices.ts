import { GatewayError } from "../errors.ts";
import type { ExchangeFor } from "./exchange.ts";
import { membersOf, objectAt, placesIn, setMember, textOf, withEdits } from "./json_edits.ts";
import { openaiChatExchange, openaiCompletionExchange } from "./openai_exchange.ts";
import type { ChatEnvelope, ChoiceWish, CompletionEnvelope } from "./openai_request.ts";
import { MAX_CHOICES } from "./schema/openai_fields.ts";

/** A chat with several answers (`n`) as a request for each of them, in their order; `undefined` if one is wanted. */
export function chatChoices(
  body: Uint8Array<ArrayBuffer>,
  envelope: ChatEnvelope,
): readonly ExchangeFor[] | undefined {
  const { choiceCount } = envelope;
  if (choiceCount === 1) return undefined;
  return Array.from(
    { length: choiceCount },
    (_, index) => (upstream) => openaiChatExchange(choiceOf(body, envelope, { index }), envelope)(upstream),
  );
}

/**
 * A completion of several prompts, or with several answers to each, as a request for each answer, in their order: all of
 * the first prompt, then all of the second one. `undefined` if one is wanted.
 *
 * @throws {GatewayError} `invalid_request` if these are more than anybody would give.
 */
export function completionChoices(
  body: Uint8Array<ArrayBuffer>,
  envelope: CompletionEnvelope,
): readonly ExchangeFor[] | undefined {
  const { choiceCount, promptCount = 1 } = envelope;
  const totalCount = choiceCount * promptCount;
  if (totalCount === 1) return undefined;
  if (totalCount > MAX_CHOICES) throw tooMany(promptCount, choiceCount);
  const isList = envelope.promptCount !== undefined;
  return Array.from({ length: totalCount }, (_, at) => (upstream) => {
    const index = at % choiceCount;
    const one = choiceOf(body, envelope, {
      index,
      ...(isList && { promptAt: Math.floor(at / choiceCount) }),
    });
    return openaiCompletionExchange(one, { ...envelope, promptCount: undefined })(upstream);
  });
}

/** The request for one choice. Only when it is asked: there may be many, and the body may be long. */
function choiceOf(
  body: Uint8Array<ArrayBuffer>,
  { choiceCount, seed }: ChoiceWish,
  { index, promptAt }: { readonly index: number; readonly promptAt?: number },
): Uint8Array<ArrayBuffer> {
  const request = objectAt(body);
  const prompts = promptAt === undefined
    ? []
    : membersOf(request, "prompt").flatMap(({ value: { start, end } }) => {
      const place = placesIn(body, start)[promptAt];
      return place ? [{ start, end, value: textOf(body, place) }] : [];
    });
  return withEdits(body, [
    ...prompts,
    ...(choiceCount === 1 ? [] : setMember(request, "n", "1")),
    // The same seed would give the same answer again; below 0 means that it may be any.
    ...(index === 0 || seed === undefined || seed < 0
      ? []
      : setMember(request, "seed", String(seed + index))),
  ]);
}

function tooMany(promptCount: number, choiceCount: number): GatewayError {
  const message = `"prompt" has ${promptCount} prompts with ${choiceCount} answers each, ` +
    `which are more than ${MAX_CHOICES} together; ask for fewer at once, or send a batch to /v1/batches`;
  return new GatewayError("invalid_request", message, { field: "prompt" });
}
