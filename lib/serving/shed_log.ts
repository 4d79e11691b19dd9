import type { Logger } from "../log.ts";

/** So often at most there is a line about connections that had to go, ms. */
const LINE_EVERY_MS = 1_000;

/** Counts connections that had to go for want of room, and tells of them in at most one line of the log a second. */
export class ShedLog {
  #replacedCount = 0;
  #refusedCount = 0;
  #lastClient = "";
  #saidAtMs = -Infinity;

  /** Has nothing to tell yet. */
  constructor(private readonly logger: Logger) {}

  /** One has to go. @param client Who wanted the room. */
  note(what: "replaced" | "refused", client: string): void {
    if (what === "replaced") this.#replacedCount++;
    else this.#refusedCount++;
    this.#lastClient = client;
  }

  /** When it has something to tell, if it has, ms. */
  get dueMs(): number | undefined {
    return this.#replacedCount + this.#refusedCount > 0 ? this.#saidAtMs + LINE_EVERY_MS : undefined;
  }

  /** Tells what it has, unless it has told something within the last second. */
  tell(nowMs: number, figures: { readonly openCount: number; readonly clientCount: number }): void {
    if (this.dueMs === undefined || nowMs < this.dueMs) return;
    this.logger.warn("client connections full", {
      replacedCount: this.#replacedCount,
      refusedCount: this.#refusedCount,
      client: this.#lastClient,
      ...figures,
    });
    this.#saidAtMs = nowMs;
    this.#replacedCount = 0;
    this.#refusedCount = 0;
  }
}
