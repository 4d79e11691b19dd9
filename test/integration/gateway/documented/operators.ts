import { Hono } from "hono";
import { PlanService } from "../../../../lib/plan_service.ts";
import { UNLIMITED } from "../../../../lib/rpc/backend.ts";
import type { StoredLoad } from "../../../../lib/store/load_rows.ts";
import type { AppEnv } from "../../../../routes/app_env.ts";
import { loadRoutes } from "../../../../routes/loads.ts";
import { identify } from "../../../../routes/middleware/identify.ts";
import { renderErrors } from "../../../../routes/middleware/on_error.ts";
import { planRoutes } from "../../../../routes/plan.ts";
import { FakeBatchService } from "../../../fakes/fake_batch_service.ts";
import { backendView } from "../../../fixtures/backend_views.ts";
import { coordinatorReport } from "../../../fixtures/coordinator_reports.ts";
import { LLAMA_70B } from "../../../fixtures/llama_content.ts";
import { plannerFor, SOME_MODEL } from "../../../fixtures/model_planning.ts";
import { nodeView } from "../../../fixtures/node_views.ts";
import { RecordedLog } from "../../../fixtures/recorded_log.ts";
import { AdminBed } from "../admin_bed.ts";
import { BatchesBed } from "../batches_bed.ts";
import { CoordinatorBed } from "../coordinator_bed.ts";
import { NodeBed } from "../node_bed.ts";
import { get, messages, type Place, post } from "./ask.ts";

const GPU = { name: "CUDA0", kind: "gpu", total_bytes: 16e9, free_bytes: 9e9, memory_key: "gpu 1" } as const;

const REPORT = {
  name: "shelf-2",
  version: "0.1.0",
  is_draining: false,
  protocol: "8.0.0",
  build: "b11669",
  host: { cpu_count: 8, load_1m: 0.5, memory_total_bytes: 16e9, memory_available_bytes: 9e9 },
  backends: [{
    endpoint: "10.0.0.7:50052",
    is_running: true,
    restart_count: 0,
    held_by: [],
    devices: [{ ...GPU, description: "RTX 3090", temperature_c: 61, utilisation: 0.25 }],
  }],
};

const MODEL_ON_NODE = {
  key: "registry.ollama.ai/library/m:latest",
  name: "m:latest",
  digest: "a".repeat(64),
  sizeBytes: 5e9,
  quantization: undefined,
  parameterSize: "8.0B",
  family: "llama",
  modifiedAtMs: 0,
};

const RESIDENT = {
  key: MODEL_ON_NODE.key,
  name: MODEL_ON_NODE.name,
  sizeBytes: 6e9,
  vramBytes: 6e9,
  expiresAtMs: Infinity,
};

const BYTES = { weightBytes: 3e9, kvBytes: 1e9, computeBytes: 5e8 };

const LOAD: StoredLoad = {
  id: 1,
  recordedAtMs: Date.UTC(2026, 0, 2),
  model: "big",
  architecture: "llama",
  build: undefined,
  loadMs: 2_400,
  devices: [{ endpoint: "10.0.0.1:50052", deviceIndex: 0, estimated: BYTES, actual: BYTES }],
};

const STARTING = {
  state: "starting",
  phase: "loading",
  progress: { stage: "loading", sentBytes: 5, totalBytes: 10 },
  slotCount: undefined,
  placement: undefined,
  pid: 12,
  contextSize: undefined,
  tokensPerSecond: undefined,
  failures: [{ at: "2026-01-02T03:04:05.000Z", reason: "it died" }],
} as const;

/** Rpc backends and workers. */
export const ADMIN: Place = {
  open() {
    const bed = new AdminBed();
    bed.admin.backends.set("10.0.0.7:50052", backendView("10.0.0.7:50052", { sources: ["admin"] }));
    bed.admin.backends.set(
      "10.0.0.8:50052",
      backendView("10.0.0.8:50052", { holder: "big", sources: ["admin"] }),
    );
    bed.admin.backends.set("10.0.0.9:50052", backendView("10.0.0.9:50052"));
    bed.admin.workerReported(REPORT, "10.0.0.7");
    return Promise.resolve(bed);
  },
  asks: [
    get("/api/admin/rpc-backends"),
    post("/api/admin/rpc-backends", { endpoint: "10.0.0.1:50052", memory: "15GiB" }, { status: 201 }),
    post("/api/admin/rpc-backends", { endpoint: "10.0.0.7:50052", exclude: true }),
    post("/api/admin/rpc-backends", { endpoint: 7 }, { status: 400 }),
    { method: "DELETE", path: "/api/admin/rpc-backends/10.0.0.7:50052" },
    { method: "DELETE", path: "/api/admin/rpc-backends/10.0.0.8:50052", status: 202 },
    { method: "DELETE", path: "/api/admin/rpc-backends/10.0.0.9:50052", status: 409 },
    { method: "DELETE", path: "/api/admin/rpc-backends?endpoint=10.0.0.1:50052" },
    get("/api/admin/workers"),
    { method: "PUT", path: "/api/workers/shelf-2", body: REPORT },
    { method: "DELETE", path: "/api/workers/shelf-2" },
  ],
};

/** Ollama nodes, for operators. */
export const REGISTERED: Place = {
  open() {
    const bed = new NodeBed();
    bed.nodes.views = [
      nodeView("gpu", { sources: ["admin"], models: [MODEL_ON_NODE], resident: [RESIDENT] }),
    ];
    return Promise.resolve(bed);
  },
  asks: [
    get("/api/admin/nodes"),
    get("/api/admin/nodes?models=false"),
    post("/api/admin/nodes", { url: "10.0.0.3", tags: ["fast"] }, { status: 201 }),
    post("/api/admin/nodes", { url: "http://gpu:11434", slots: 2 }),
    post("/api/admin/nodes", { url: "10.0.0.3", slots: "many" }, { status: 400 }),
    { method: "DELETE", path: "/api/admin/nodes/gpu" },
    { method: "DELETE", path: "/api/admin/nodes?node=http://10.0.0.3:11434" },
    { method: "DELETE", path: "/api/admin/nodes/none", status: 404 },
  ],
};

/** Our coordinators, for operators. */
export const LOADED: Place = {
  open() {
    const bed = new CoordinatorBed();
    bed.admin.add(coordinatorReport("tiny"));
    bed.admin.add(coordinatorReport("big", { id: "c2", ...STARTING }));
    bed.admin.logLines.push("a line");
    const { onStart } = bed.admin;
    bed.admin.onStart = (name, signal) => name === "slow" ? new Promise(() => {}) : onStart(name, signal);
    return Promise.resolve(bed);
  },
  asks: [
    get("/api/admin/coordinators"),
    get("/api/admin/coordinators/c2"),
    get("/api/admin/coordinators/none", 404),
    get("/api/admin/coordinators/c1/log"),
    post("/api/admin/coordinators/c1/restart", {}),
    post("/api/admin/models/load", { model: "tiny", keep_alive: "10m" }),
    post("/api/admin/models/load", { model: "slow", wait: false }, { status: 202 }),
    post("/api/admin/models/unload", { model: "tiny" }),
    post("/api/admin/models/restart", { model: "tiny" }),
    post("/api/admin/models/load", {}, { status: 400 }),
  ],
};

/** What would happen, and what loads took. */
export const PLANNED: Place = {
  open() {
    const app = new Hono<AppEnv>();
    app.onError(renderErrors(new RecordedLog().logger));
    app.use(identify());
    app.route("/api/admin", planRoutes(planService()));
    app.route("/api/admin", loadRoutes({ recent: () => [LOAD] }));
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => app.fetch(request),
    );
    const url = `http://127.0.0.1:${server.addr.port}`;
    return Promise.resolve({ url, [Symbol.asyncDispose]: () => server.shutdown() });
  },
  asks: [
    post("/api/admin/plan", { model: "big" }),
    post("/api/admin/plan", { model: "big", assume: "pc1=8GiB" }),
    post("/api/admin/plan", { model: "big", slots: "many" }, { status: 400 }),
    post("/api/admin/plan", { model: "big", rpc_backends: ["10.0.0.99:50052"] }, { status: 404 }),
    get("/api/admin/loads?limit=1"),
  ],
};

/** Plans a model of 70 billion parameters over one that is large, and one that is excluded. */
function planService(): PlanService {
  const planner = plannerFor();
  const views = [
    backendView("10.0.0.1:50052", { freeBytes: 64e9 }),
    backendView("10.0.0.2:50052", { limits: { ...UNLIMITED, isExcluded: true } }),
  ];
  return new PlanService({
    resolve: (name) => Promise.resolve({ ...SOME_MODEL, name }),
    backends: () => Promise.resolve(views),
    build: () => Promise.resolve("b11669"),
    planner: { read: () => Promise.resolve(LLAMA_70B), plan: planner.plan.bind(planner) },
  });
}

/** Files and batches. */
export const BATCHES: Place = {
  open() {
    const service = new FakeBatchService();
    service.keep("input.jsonl", new TextEncoder().encode("{}\n")); // file-1
    service.createBatch({
      inputFileId: "file-1",
      endpoint: "/v1/embeddings",
      completionWindow: "24h",
      metadata: {},
    });
    service.keep("other.jsonl", new TextEncoder().encode("{}\n")); // file-3
    return Promise.resolve(new BatchesBed(service));
  },
  asks: [
    post("/v1/files", formWithFile()),
    get("/v1/files"),
    get("/v1/files?limit=1"),
    get("/v1/files?limit=none", 400),
    get("/v1/files/file-1"),
    get("/v1/files/file-1/content"),
    get("/v1/files/none", 404),
    { method: "DELETE", path: "/v1/files/file-3" },
    { method: "DELETE", path: "/v1/files/file-1", status: 409 },
    post("/v1/batches", {
      input_file_id: "file-1",
      endpoint: "/v1/embeddings",
      completion_window: "24h",
      metadata: { of: "a test" },
    }),
    post("/v1/batches", { input_file_id: "file-1" }, { status: 400 }),
    get("/v1/batches"),
    get("/v1/batches/batch_2"),
    post("/v1/batches/batch_2/cancel", undefined),
    post("/api/batch", [{ type: "embed", input: "a" }, { type: "chat", messages }]),
    post("/api/batch", { requests: [{ type: "embed", input: "a" }], stream: true }),
    post("/api/batch", [], { status: 400 }),
  ],
};

function formWithFile(): FormData {
  const form = new FormData();
  form.append("purpose", "batch");
  form.append("file", new File(["{}\n"], "input.jsonl"));
  return form;
}
