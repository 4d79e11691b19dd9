import { type Delivery, EventBus } from "../bus.ts";
import { LineRing } from "../process/line_ring.ts";

/** Lines kept of one model. */
const KEPT_LINES = 1_000;
/** A longer line is cut: a thousand of them are kept for each model. */
const MAX_LINE_CHARS = 2_000;

/** What one model's coordinators say, over all their lives; nothing that users write. */
export class Journal {
  readonly #lines = new LineRing(KEPT_LINES);
  readonly #bus = new EventBus<string>();

  /** Adds a line, and tells whoever follows. Returns at once and never throws. */
  append(line: string): void {
    const kept = line.slice(0, MAX_LINE_CHARS);
    this.#lines.push(kept);
    this.#bus.publish(kept);
  }

  /** The last lines, oldest first; all that are kept by default. */
  tail(count = KEPT_LINES): string[] {
    return count > 0 ? this.#lines.lines.slice(-count) : [];
  }

  /** Each line that is added after this call, until the signal aborts; a reader that is too slow is told how many it missed. */
  follow(signal: AbortSignal): AsyncGenerator<string, void> {
    return toLines(this.#bus.subscribe({ signal }));
  }
}

/** The journals of all models. */
export class Journals {
  readonly #journals = new Map<string, Journal>();

  /** The journal of a model by its canonical key, the same at each call. */
  of(key: string): Journal {
    const known = this.#journals.get(key);
    if (known) return known;
    const journal = new Journal();
    this.#journals.set(key, journal);
    return journal;
  }
}

async function* toLines(deliveries: AsyncIterable<Delivery<string>>): AsyncGenerator<string, void> {
  for await (const delivery of deliveries) {
    yield delivery.kind === "event" ? delivery.event : `[${delivery.count} lines are left out here]`;
  }
}
