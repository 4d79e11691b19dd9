import { type Delivery, EventBus } from "../../lib/bus.ts";
import type {
  CoordinatorAdmin,
  CoordinatorReport,
  GatewayEvent,
  UnloadOutcome,
} from "../../lib/coordinator_admin.ts";
import { GatewayError } from "../../lib/errors.ts";
import { coordinatorReport } from "../fixtures/coordinator_reports.ts";

/** Keeps reports in a list and starts nothing: loads end when and how the test says. */
export class FakeCoordinatorAdmin implements CoordinatorAdmin {
  readonly reports: CoordinatorReport[] = [];
  readonly bus = new EventBus<GatewayEvent>();
  /** What was asked for, such as `load tiny 600000`. */
  readonly calls: string[] = [];
  /** Lines of every coordinator's log. */
  readonly logLines: string[] = [];
  /** What a load or restart does, given the model's name or the id. Default: a ready coordinator at once. */
  onStart: (name: string, signal: AbortSignal) => Promise<CoordinatorReport> = (name) =>
    Promise.resolve(this.add(coordinatorReport(name)));
  /** What an unload gives. */
  unloaded: UnloadOutcome = { outcome: "unloaded", because: "It is unloaded" };

  /** Makes a coordinator known, or replaces the one with its id. */
  add(report: CoordinatorReport): CoordinatorReport {
    const index = this.reports.findIndex(({ id }) => id === report.id);
    if (index < 0) this.reports.push(report);
    else this.reports[index] = report;
    return report;
  }

  listCoordinators(): readonly CoordinatorReport[] {
    return this.reports;
  }

  getCoordinator(idOrModel: string): CoordinatorReport {
    const found = this.reports.find(({ id, model }) => id === idOrModel || model === idOrModel);
    if (!found) throw new GatewayError("not_found", `No coordinator "${idOrModel}" is known`);
    return found;
  }

  async loadModel(
    model: string,
    { keepAliveMs, signal }: { keepAliveMs?: number | undefined; signal: AbortSignal },
  ): Promise<CoordinatorReport> {
    this.calls.push(`load ${model} ${keepAliveMs}`);
    return await this.#start(model, signal);
  }

  unloadModel(model: string): UnloadOutcome {
    this.calls.push(`unload ${model}`);
    return this.unloaded;
  }

  async restartCoordinator(
    idOrModel: string,
    { signal }: { signal: AbortSignal },
  ): Promise<CoordinatorReport> {
    this.calls.push(`restart ${idOrModel}`);
    const { model } = this.getCoordinator(idOrModel);
    return await this.#start(model, signal);
  }

  async *readLog(
    idOrModel: string,
    { tail, follow, signal }: { tail: number; follow: boolean; signal: AbortSignal },
  ): AsyncGenerator<string, void> {
    this.getCoordinator(idOrModel);
    let index = Math.max(0, this.logLines.length - tail);
    for (; index < this.logLines.length; index++) yield this.logLines[index]!;
    if (!follow) return;
    for await (const _woken of this.bus.subscribe({ signal })) {
      for (; index < this.logLines.length; index++) yield this.logLines[index]!;
    }
  }

  /** Who listens to events, or follows a log. */
  get listenerCount(): number {
    return this.bus.size;
  }

  events({ signal }: { signal: AbortSignal }): AsyncIterable<Delivery<GatewayEvent>> {
    return this.bus.subscribe({ signal });
  }

  /** The caller may leave; the load goes on. */
  async #start(model: string, signal: AbortSignal): Promise<CoordinatorReport> {
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([this.onStart(model, signal), left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }
}
