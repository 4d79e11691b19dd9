import { deepEqual, equal } from "node:assert/strict";
import { UPSTREAM_WORDS } from "../../fakes/upstream_words.ts";
import {
  type Breakage,
  BREAKAGES,
  spoiler,
  spoilt,
  STREAMED_REQUESTS,
  type StreamedRequest,
} from "./broken_stream_cases.ts";
import { PlayedBed, UPSTREAM_KINDS } from "./played_bed.ts";

/** What a client of a spoilt stream got. */
async function ask(
  bed: PlayedBed,
  { path, fields }: StreamedRequest,
  text: string,
): Promise<{ status: number; text: string }> {
  const body = JSON.stringify({ model: bed.model, stream: true, ...fields(text) });
  const response = await fetch(bed.url + path, { method: "POST", body });
  return { status: response.status, text: await response.text() };
}

/** What is wrong with an answer that must not look like a whole one; `undefined` if nothing is. */
function complaint(
  { success, error }: StreamedRequest,
  { status, text }: { status: number; text: string },
): string | undefined {
  if (status >= 400) return JSON.parse(text).error ? undefined : "a status without an error";
  if (success.test(text)) return "it looks whole";
  const errors = [...text.matchAll(error)];
  if (errors.length !== 1) return `${errors.length} errors`;
  const behind = text.slice(errors[0]!.index).trimEnd();
  const eventCount = behind.split(text.startsWith("{") || behind.startsWith("{") ? "\n" : "\n\n").length;
  return eventCount === 1 ? undefined : "the error is not the last event";
}

for (const kind of UPSTREAM_KINDS) {
  for (const [breakage, { name }] of BREAKAGES.entries()) {
    Deno.test(`a ${kind} that ${name} does not look like success in any dialect`, async () => {
      await using bed = await PlayedBed.open(kind, spoiler(false));
      const answers = await Promise.all(
        STREAMED_REQUESTS.map((request, index) => ask(bed, request, spoilt(index, breakage))),
      );
      const complaints = STREAMED_REQUESTS.flatMap((request, index) => {
        const wrong = complaint(request, answers[index]!);
        return wrong === undefined ? [] : [`${request.name}: ${wrong}: ${answers[index]!.text.slice(-300)}`];
      });
      deepEqual(complaints, []);
      equal(bed.inFlightCount, 0);
    });
  }
}

const isEarly = ({ isEarly = false }: Breakage) => isEarly;
for (const breakage of BREAKAGES.filter(isEarly)) {
  Deno.test(`a node that ${breakage.name} is replaced by another one in every dialect`, async () => {
    const index = BREAKAGES.indexOf(breakage);
    // Of several choices all say the same: which of them is spoilt would be chance.
    const requests = STREAMED_REQUESTS.filter(({ name }) => !name.endsWith("n=2"));
    for (const request of requests) {
      await using bed = await PlayedBed.open("node", spoiler(true), { nodeCount: 2 });
      const { status, text } = await ask(bed, request, spoilt(0, index));
      deepEqual([request.name, status, request.success.test(text)], [request.name, 200, true], text);
      const askedCounts = bed.upstreams.map(({ asked }) =>
        asked.filter(({ path }) => path in UPSTREAM_WORDS).length
      );
      deepEqual(askedCounts, [1, 1]);
    }
  });
}
