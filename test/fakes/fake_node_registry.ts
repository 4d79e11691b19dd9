import type { NodeView } from "../../lib/nodes/node.ts";
import type { NodeSettings } from "../../lib/nodes/node_settings.ts";
import { viewOfUnused } from "../../lib/nodes/unused_node.ts";

/** Keeps what it was fed, and finds that each node which it is asked for is as the test says. */
export class FakeNodeRegistry {
  /** Each list that it got. */
  readonly applied: (readonly NodeSettings[])[] = [];
  /** Names that it was to ask, and how they are then; `silent`: it never tells. */
  readonly asked: string[] = [];
  answer: "up" | "down" | "silent" = "up";
  readonly #health = new Map<string, "up" | "down">();

  /** A check found it so. */
  become(name: string, health: "up" | "down"): void {
    this.#health.set(name, health);
  }

  get names(): string[] {
    return this.#list.map(({ name }) => name);
  }

  /** What {@linkcode apply} throws. */
  applyFault: Error | undefined;

  apply(list: readonly NodeSettings[]): void {
    if (this.applyFault) throw this.applyFault;
    this.applied.push(list);
  }

  refresh({ names = [], signal }: { names?: readonly string[]; signal: AbortSignal }): Promise<void> {
    this.asked.push(...names);
    if (this.answer === "silent") {
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }
    for (const name of names) this.#health.set(name, this.answer);
    return Promise.resolve();
  }

  views(): NodeView[] {
    return this.#list.map((settings) =>
      viewOfUnused({ settings, health: this.#health.get(settings.name) ?? "unknown", reason: "so it is" })
    );
  }

  get #list(): readonly NodeSettings[] {
    return this.applied.at(-1) ?? [];
  }
}
