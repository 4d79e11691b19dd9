import { type RoutingNote, withRouting, withRoutingEvent } from "../dialects/openai_routing.ts";
import type { Answer, AnswerReport } from "./answer.ts";
import type { AnswerEvents } from "./answer_stream.ts";

/** The same answer, which says in itself where it comes from: for clients that read no headers. */
export function withRoutingNote(answer: Answer, elapsedMs: () => number): Answer {
  const { status, body, report } = answer;
  const note = () => noteOf(report, elapsedMs());
  if (!(body instanceof Uint8Array)) return { ...answer, body: new RoutedEvents(body, note) };
  return status < 400 ? { ...answer, body: withRouting(body, note()) } : answer;
}

/** A stream that tells at its end where it came from. */
class RoutedEvents implements AnswerEvents {
  constructor(private readonly events: AnswerEvents, private readonly note: () => RoutingNote) {}

  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    const events = await this.events.read();
    return events && (withRoutingEvent(events, this.note) ?? events);
  }

  cancel(): void {
    this.events.cancel();
  }
}

function noteOf(report: AnswerReport, elapsedMs: number): RoutingNote {
  const { to, upstream, url, modelName, attemptCount, queueMs, loadMs, because } = report;
  return {
    backend: to === "node" ? "ollama-pool" : "llama.cpp-distributed",
    ...(to === "node" ? { node: upstream } : { coordinator_url: url }),
    ...(modelName !== undefined && { model: modelName }),
    attempts: attemptCount,
    queue_ms: Math.round(queueMs),
    load_ms: Math.round(loadMs),
    duration_ms: Math.round(elapsedMs),
    because,
  };
}
