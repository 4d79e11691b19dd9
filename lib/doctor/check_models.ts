import { mapConcurrently } from "../concurrent.ts";
import { messageOf } from "../errors.ts";
import type { LogFields, Logger } from "../log.ts";
import { listNames } from "../name_list.ts";
import type { ModelStore } from "../ollama/storage.ts";
import { formatBytes } from "../units.ts";
import { type Finding, ok, skip, warn } from "./finding.ts";

/** The models that are stored on this host. */
export interface StoredModels {
  /** How many. */
  readonly count: number;
  /** The largest that can be loaded; `undefined` for none. */
  readonly largest: { readonly name: string; readonly sizeBytes: number } | undefined;
  /** Those that cannot be loaded, with the reason. */
  readonly broken: readonly { readonly name: string; readonly why: string }[];
}

/** A store has hundreds at most; each takes a few looks at the disk. */
const LOOKS_IN_FLIGHT = 8;
const MAX_SHOWN = 3;

/**
 * Reads what is stored, and looks whether all files of it are there.
 *
 * @param complaints What the store's logger was told: manifests that could not be read.
 * @throws The signal's reason.
 */
export async function readStoredModels(
  store: Pick<ModelStore, "listModels" | "resolve">,
  { complaints, signal }: { readonly complaints: ComplaintLog; readonly signal: AbortSignal },
): Promise<StoredModels> {
  const listed = await store.listModels({ signal });
  const loadable = listed.filter(({ kind }) => kind === "gguf");
  const faults = await mapConcurrently(loadable, LOOKS_IN_FLIGHT, async ({ name }) => {
    try {
      await store.resolve(name, { signal });
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      return { name, why: messageOf(error) };
    }
  });
  const [largest] = loadable.filter((_model, at) => faults[at] === undefined)
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  return {
    count: listed.length,
    largest: largest && { name: largest.name, sizeBytes: largest.sizeBytes },
    broken: [...complaints.told, ...faults.filter((fault) => fault !== undefined)],
  };
}

/** Whether there are models, and all of each. */
export function judgeModels({ count, largest, broken }: StoredModels, isShardingEnabled: boolean): Finding {
  const figures = { count, largest, broken };
  if (broken.length > 0) {
    const whys = broken.map(({ name, why }) => why.includes(name) ? why : `${name}: ${why}`);
    const names = broken.map(({ name }) => name);
    return warn(
      listNames(whys, MAX_SHOWN),
      `pull it again, or remove it: ollama pull ${names[0]}`,
      figures,
    );
  }
  if (count === 0) {
    return isShardingEnabled
      ? skip("none is stored on this host; those on Ollama nodes are served, too")
      : skip("none is stored on this host");
  }
  const counted = count === 1 ? "1 model" : `${count} models`;
  return ok(
    largest ? `${counted}, the largest ${largest.name} (${formatBytes(largest.sizeBytes)})` : counted,
    figures,
  );
}

/** A logger that keeps what a model store has to say of single files. */
export class ComplaintLog implements Logger {
  /** What was said, oldest first. */
  readonly told: { readonly name: string; readonly why: string }[] = [];

  /** Is not kept. */
  debug(): void {}

  /** Is not kept. */
  info(): void {}

  /** Is kept. */
  warn(_message: string, fields: LogFields = {}): void {
    this.#keep(fields);
  }

  /** Is kept. */
  error(_message: string, fields: LogFields = {}): void {
    this.#keep(fields);
  }

  /** The same one. */
  child(): Logger {
    return this;
  }

  #keep({ path, root, error }: LogFields): void {
    const name = String(path ?? root ?? "");
    if (name !== "") this.told.push({ name, why: messageOf(error) });
  }
}
