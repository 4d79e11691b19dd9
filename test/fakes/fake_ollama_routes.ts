import { isSince } from "./fake_ollama_version.ts";

/** An endpoint of Ollama's. */
export interface FakeRoute {
  readonly path: string;
  readonly methods: readonly string[];
  /** The version that first had it. */
  readonly since: string;
  /** Whether it makes a model work. */
  readonly isInference: boolean;
}

const READ = ["HEAD", "GET"];
const ALWAYS = "0.0.0";
const check = (path: string, methods: readonly string[], since = ALWAYS): FakeRoute => {
  return { path, methods, since, isInference: false };
};
const inference = (path: string, since = ALWAYS): FakeRoute => {
  return { path, methods: ["POST"], since, isInference: true };
};

const ROUTES: ReadonlyMap<string, FakeRoute> = new Map(
  [
    check("/", READ),
    check("/api/version", READ),
    check("/api/tags", READ),
    check("/api/ps", ["GET"], "0.1.38"),
    check("/api/show", ["POST"]),
    check("/api/pull", ["POST"]),
    check("/api/push", ["POST"]),
    check("/api/create", ["POST"]),
    check("/api/copy", ["POST"]),
    check("/api/delete", ["DELETE"]),
    check("/v1/models", ["GET"], "0.2.6"),
    inference("/api/chat"),
    inference("/api/generate"),
    inference("/api/embed", "0.3.0"),
    inference("/api/embeddings"),
    inference("/v1/chat/completions"),
    inference("/v1/completions", "0.2.4"),
    inference("/v1/embeddings", "0.2.6"),
    inference("/v1/responses", "0.13.3"),
  ].map((route) => [route.path, route]),
);

const ONE_MODEL = check("/v1/models/:model", ["GET"], "0.2.6");
const BLOB = check("/api/blobs/:digest", ["HEAD", "POST"]);

/** The endpoint at a path; `undefined` if a node of that version has none. */
export function findRoute(path: string, version: string): FakeRoute | undefined {
  const route = ROUTES.get(path) ?? (/^\/v1\/models\/[^/]+$/.test(path) ? ONE_MODEL : undefined) ??
    (/^\/api\/blobs\/[^/]+$/.test(path) ? BLOB : undefined);
  return route && isSince(version, route.since) ? route : undefined;
}
