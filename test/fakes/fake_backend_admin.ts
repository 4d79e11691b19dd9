import type { BackendAdmin, BackendRemoval } from "../../lib/backend_admin.ts";
import { GatewayError } from "../../lib/errors.ts";
import type { WorkerView } from "../../lib/registry/worker_book.ts";
import { type BackendLimits, type BackendView, UNLIMITED } from "../../lib/rpc/backend.ts";
import { type Endpoint, formatEndpoint } from "../../lib/rpc/endpoint.ts";
import type { WorkerReply, WorkerReport } from "../../lib/rpc/worker_report.ts";
import { backendView } from "../fixtures/backend_views.ts";

/** Keeps backends in a map and probes nobody: what is added has the health that the test says. */
export class FakeBackendAdmin implements BackendAdmin {
  readonly backends = new Map<string, BackendView>();
  readonly reports: { report: WorkerReport; from: string | undefined }[] = [];
  readonly left: string[] = [];
  /** What is added is so from then on. Default `up`. */
  nextView: Partial<BackendView> = {};

  listBackends(): readonly BackendView[] {
    return [...this.backends.values()];
  }

  addBackend(endpoint: Endpoint, limits: Partial<BackendLimits>): Promise<BackendView> {
    const name = formatEndpoint(endpoint);
    const known = this.backends.get(name)?.limits ?? UNLIMITED;
    const view = backendView(name, { sources: ["admin"], ...this.nextView, limits: { ...known, ...limits } });
    this.backends.set(name, view);
    return Promise.resolve(view);
  }

  removeBackend(endpoint: Endpoint): BackendRemoval {
    const name = formatEndpoint(endpoint);
    const known = this.backends.get(name);
    if (!known) throw new GatewayError("not_found", `No rpc backend ${name} is known`);
    if (known.sources.includes("config")) {
      throw new GatewayError("conflict", `${name} stands in the config file; remove it there`);
    }
    if (known.holder) return { outcome: "after release", reason: `${name} is held by ${known.holder}` };
    this.backends.delete(name);
    return { outcome: "removed", reason: `${name} is forgotten` };
  }

  listWorkers(): readonly WorkerView[] {
    return this.reports.map(({ report, from }) => ({
      name: report.name,
      from,
      ageMs: 500,
      isLost: false,
      report,
    }));
  }

  workerReported(report: WorkerReport, from: string | undefined): WorkerReply {
    this.reports.push({ report, from });
    return { timeout_ms: 6_000, in_use: [] };
  }

  workerLeft(name: string): void {
    this.left.push(name);
  }
}
