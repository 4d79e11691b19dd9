import type { DialectName } from "../dialects/client_dialect.ts";
import {
  type RoutingNote,
  withRouting,
  withRoutingEvent,
  withRoutingLine,
} from "../dialects/openai_routing.ts";
import type { Answer, AnswerReport } from "./answer.ts";
import type { AnswerEvents } from "./answer_stream.ts";

/** The same answer, which says in itself where it comes from: for clients that read no headers. */
export function withRoutingNote(answer: Answer, dialect: DialectName, elapsedMs: () => number): Answer {
  const { status, body, report } = answer;
  const note = () => noteOf(report, elapsedMs());
  if (!(body instanceof Uint8Array)) {
    const noted = STREAMS_WITH_NOTE[dialect];
    return noted ? { ...answer, body: new RoutedEvents(body, (events) => noted(events, note)) } : answer;
  }
  return status < 400 ? { ...answer, body: withRouting(body, note()) } : answer;
}

/** What stands at the end of a stream, with the note; the others have no place for one. */
const STREAMS_WITH_NOTE: Partial<
  Record<DialectName, (events: Uint8Array, note: () => RoutingNote) => Uint8Array<ArrayBuffer> | undefined>
> = { openai: withRoutingEvent, ollama: withRoutingLine };

/** A stream that tells at its end where it came from. */
class RoutedEvents implements AnswerEvents {
  constructor(
    private readonly events: AnswerEvents,
    private readonly noted: (events: Uint8Array) => Uint8Array<ArrayBuffer> | undefined,
  ) {}

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const events = await this.events.read();
    return events && (this.noted(events) ?? events);
  }

  cancel(): void {
    this.events.cancel();
  }
}

function noteOf(report: AnswerReport, elapsedMs: number): RoutingNote {
  const { to, upstream, url, modelName, attemptCount, queueMs, loadMs, because } = report;
  return {
    backend: to === "node" ? "ollama-pool" : "llama.cpp-distributed",
    ...(to === "node" && { node: upstream }),
    ...(to !== "node" && !url.startsWith("unix:") && { coordinator_url: url }), // a socket's path is nobody's business
    ...(modelName !== undefined && { model: modelName }),
    attempts: attemptCount,
    queue_ms: Math.round(queueMs),
    load_ms: Math.round(loadMs),
    duration_ms: Math.round(elapsedMs),
    because,
  };
}
