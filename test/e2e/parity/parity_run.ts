import type { OllamaExchange } from "../../fixtures/ollama_node/exchanges.ts";
import { exchange, type OllamaAnswer } from "../../fixtures/ollama_node/transcript.ts";
import { type ParityRecording, readParityRecording } from "../../fixtures/ollama_parity/parity_recording.ts";
import { PARITY_REQUESTS } from "../../fixtures/ollama_parity/parity_requests.ts";
import { type AnswerForm, formOf } from "./answer_form.ts";
import { statisticsTroubles } from "./end_statistics.ts";
import { ON_PURPOSE, type OnPurpose } from "./on_purpose.ts";

/** What became of one request. */
export interface ParityResult {
  /** Of the request. */
  readonly name: string;
  /** In which way the answer is not that of the real Ollama; none if it is. */
  readonly troubles: readonly string[];
  /** Why it is meant to differ, if it is. */
  readonly because?: string | undefined;
}

/** The Ollama whose answers ours are to be like. */
export const PARITY_VERSION = "0.33.0-rc2";

/** Asks a gateway that has just started all that a real Ollama was asked, and compares the answers. */
export async function tryParity(url: string): Promise<ParityResult[]> {
  const { answers } = await readParityRecording(PARITY_VERSION);
  const unknown = ON_PURPOSE.flatMap(({ requests }) => requests).filter((name) => !answers[name]);
  if (unknown.length > 0) throw new Error(`nobody asks what is meant to differ: ${unknown}`);
  const results: ParityResult[] = [];
  for (const request of PARITY_REQUESTS) {
    const answer = await exchange(url, request);
    const recorded = recordedOf(answers, request.name);
    results.push(compare(request.name, answer, recorded, { isSamePrompt: hasNoTemplate(request) }));
  }
  return results;
}

/** Whether the model reads what the client wrote, all of it and no more. */
function hasNoTemplate({ path, body = "" }: OllamaExchange): boolean {
  const isCut = body.length > 10_000;
  return (path.startsWith("/api/embed") || body.includes('"raw":true')) && !isCut;
}

function recordedOf(answers: ParityRecording["answers"], name: string): OllamaAnswer {
  const answer = answers[name];
  if (!answer) throw new Error(`nothing is recorded of "${name}": record it again`);
  return answer;
}

function compare(
  name: string,
  answer: OllamaAnswer,
  recorded: OllamaAnswer,
  options: { readonly isSamePrompt: boolean },
): ParityResult {
  const meant = ON_PURPOSE.find(({ requests }) => requests.includes(name));
  const expected = meant ? changed(formOf(recorded), meant) : formOf(recorded);
  const told = formOf(answer);
  const troubles = [...formTroubles(told, expected), ...statisticsTroubles(answer, recorded, options)];
  if (meant && troubles.length === 0 && formTroubles(told, formOf(recorded)).length === 0) {
    return { name, troubles: ["it is meant to differ, and does not"] };
  }
  return { name, troubles, because: meant?.because };
}

function changed(form: AnswerForm, { changes }: OnPurpose): AnswerForm {
  const { lines, ...head } = changes;
  return { ...form, ...head, lines: lines ? lines(form.lines) : form.lines };
}

function formTroubles(told: AnswerForm, expected: AnswerForm): string[] {
  const troubles: string[] = [];
  if (told.status !== expected.status) troubles.push(`status ${told.status}, Ollama's is ${expected.status}`);
  if (told.contentType !== expected.contentType) {
    troubles.push(`content type ${told.contentType}, Ollama's is ${expected.contentType}`);
  }
  const length = Math.max(told.lines.length, expected.lines.length);
  const at = Array.from({ length }, (_, index) => index).find((index) => {
    return told.lines[index] !== expected.lines[index];
  });
  if (at !== undefined) {
    troubles.push(
      `line ${at + 1} is ${told.lines[at] ?? "absent"}, Ollama's is ${expected.lines[at] ?? "absent"}`,
    );
  }
  return troubles;
}
