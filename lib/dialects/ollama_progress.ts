import { jsonIn } from "../json_text.ts";

/** A line of progress, as far as it is understood. */
export interface ProgressLine {
  /** As it came, without its end. */
  readonly text: string;
  /** What is done now; of a download the same for all of its lines. */
  readonly status: string;
  /** Of the blob that is moved. */
  readonly digest: string | undefined;
  /** Of that blob, bytes. */
  readonly totalBytes: number;
  /** Of these, moved. */
  readonly completedBytes: number;
  /** What went wrong; the line tells nothing else then. */
  readonly error: string | undefined;
}

/** The status that ends what went well. */
const SUCCESS = "success";

/** Reads a line of progress. @returns `undefined` if it is none. */
export function readProgress(text: string): ProgressLine | undefined {
  const said = jsonIn(text);
  if (typeof said !== "object" || said === null) return undefined;
  const { status, digest, error, total, completed } = said as Record<string, unknown>;
  if (typeof status !== "string" && typeof error !== "string") return undefined;
  return {
    text,
    status: typeof status === "string" ? status : "",
    digest: typeof digest === "string" ? digest : undefined,
    totalBytes: countOf(total),
    completedBytes: countOf(completed),
    error: typeof error === "string" && error !== "" ? error : undefined,
  };
}

/** Whether all went well with this line. */
export function isSuccess({ status, error }: ProgressLine): boolean {
  return status === SUCCESS && error === undefined;
}

/** The line that tells a status. */
function statusLine(status: string): string {
  return JSON.stringify({ status });
}

/** The line that ends what went well. */
export const SUCCESS_LINE: string = statusLine(SUCCESS);

/** The line that ends what did not. */
export function errorLine(error: string): string {
  return JSON.stringify({ error });
}

/** No model has as many blobs, and no pull as many states; what a node tells beyond them is not worth the memory. */
const MAX_TOLD = 1_000;
/** In characters: a status is a few words, a digest less than a hundred. */
const MAX_TOLD_LENGTH = 1_000;

/** What one node has told. */
interface NodeProgress {
  state: "running" | "succeeded" | "failed";
  readonly statuses: Set<string>;
  readonly blobs: Map<string, { totalBytes: number; completedBytes: number }>;
}

/**
 * The progress of several nodes that do the same, told as that of one. Of each blob the bytes are summed up, and never go
 * back; a status is told once, when all have come so far. That one node has failed is a status too, since clients give up
 * at the first error: what the end is, is told at the end. Lines have no end.
 */
export class MergedProgress {
  readonly #nodes: ReadonlyMap<string, NodeProgress>;
  readonly #told = new Set<string>();
  readonly #toldBlobs = new Map<string, { totalBytes: number; completedBytes: number }>();

  /** Of nodes with these names, two at least. */
  constructor(names: readonly string[]) {
    const entries = names.map((name): [string, NodeProgress] => {
      return [name, { state: "running", statuses: new Set(), blobs: new Map() }];
    });
    this.#nodes = new Map(entries);
  }

  /** Names of those that have ended well. */
  get succeeded(): readonly string[] {
    return this.#inState("succeeded");
  }

  /** Takes a line of a node. @returns What to tell of it, if anything. */
  push(name: string, line: ProgressLine): string | undefined {
    const node = this.#nodes.get(name)!;
    if (node.state !== "running") return undefined;
    if (isSuccess(line)) {
      node.state = "succeeded";
      return undefined;
    }
    if ((line.digest ?? line.status).length > MAX_TOLD_LENGTH) return undefined;
    if (line.digest !== undefined) return this.#pushBlob(node, line.status, line.digest, line);
    if (!node.statuses.has(line.status) && node.statuses.size >= MAX_TOLD) return undefined;
    node.statuses.add(line.status);
    const isFirst = this.#told.size === 0 && this.#toldBlobs.size === 0;
    if (!isFirst && !this.#haveAllSaid(line.status)) return undefined;
    return this.#tellOnce(line.status);
  }

  /** A node has given up. @returns What to tell of it. */
  fail(name: string, reason: string): string | undefined {
    const node = this.#nodes.get(name)!;
    if (node.state !== "running") return undefined;
    node.state = "failed";
    const goOn = this.#inState("running").length > 0 ? "; the others go on" : "";
    return statusLine(`node ${name} failed: ${reason}${goOn}`);
  }

  #pushBlob(
    node: NodeProgress,
    status: string,
    digest: string,
    { totalBytes, completedBytes }: Pick<ProgressLine, "totalBytes" | "completedBytes">,
  ): string | undefined {
    const before = node.blobs.get(digest);
    if (!before && node.blobs.size >= MAX_TOLD) return undefined;
    node.blobs.set(digest, {
      totalBytes: Math.max(totalBytes, before?.totalBytes ?? 0),
      completedBytes: Math.max(completedBytes, before?.completedBytes ?? 0),
    });
    const sum = this.#sumOf(digest);
    const told = this.#toldBlobs.get(digest);
    if (told && told.totalBytes === sum.totalBytes && told.completedBytes === sum.completedBytes) {
      return undefined;
    }
    this.#toldBlobs.set(digest, sum);
    const completed = sum.completedBytes > 0 ? { completed: sum.completedBytes } : {}; // 0 is absent, as in Ollama
    return JSON.stringify({ status, digest, total: sum.totalBytes, ...completed });
  }

  /** Who has not come to a blob will move as much; who has failed moves no more than it did. */
  #sumOf(digest: string): { totalBytes: number; completedBytes: number } {
    const known = [...this.#nodes.values()].map((node) => ({
      state: node.state,
      blob: node.blobs.get(digest),
    }));
    const size = Math.max(...known.map(({ blob }) => blob?.totalBytes ?? 0));
    let [totalBytes, completedBytes] = [0, 0];
    for (const { state, blob } of known) {
      const done = Math.min(blob?.completedBytes ?? 0, size);
      completedBytes += done;
      totalBytes += state === "failed" ? done : state === "running" || blob ? size : 0;
    }
    return { totalBytes, completedBytes };
  }

  #haveAllSaid(status: string): boolean {
    return [...this.#nodes.values()].every(({ state, statuses }) =>
      state !== "running" || statuses.has(status)
    );
  }

  #tellOnce(status: string): string | undefined {
    if (this.#told.has(status)) return undefined;
    this.#told.add(status);
    return statusLine(status);
  }

  #inState(wanted: NodeProgress["state"]): string[] {
    return [...this.#nodes].flatMap(([name, { state }]) => state === wanted ? [name] : []);
  }
}

function countOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
