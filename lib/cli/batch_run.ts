import { type Clock, systemClock } from "../clock.ts";
import { GatewayError } from "../errors.ts";
import type { Batch, BatchEndpoint } from "../tasks/batch.ts";
import { formatBytes } from "../units.ts";
import type { BatchApi } from "./batch_api.ts";
import { removeStale, type ResultPaths, writeWhole } from "./batch_files.ts";
import { endpointOf, readBatchInput } from "./batch_input.ts";
import { askPatiently, type Patience } from "./batch_patience.ts";
import { mistakesText } from "./batch_text.ts";
import { untilEnded } from "./batch_watch.ts";
import type { CliHost } from "./command.ts";
import { type Progress, startProgress } from "./progress.ts";
import { printable } from "./terminal.ts";

/** What of a gateway it takes to run a batch. */
export type BatchRunApi = Pick<BatchApi, "list" | "get" | "upload" | "create" | "download">;

/** What of the program's surroundings; the clock is the host's by default. */
export type BatchRunHost = Pick<CliHost, "stderr" | "env" | "signal"> & { readonly clock?: Clock };

/** A batch that somebody wants to see the end of. */
export interface BatchWish {
  /** The path of the requests; not read if the batch is there. */
  readonly file: string | undefined;
  /** The id of a batch that is there; `undefined`: one is begun. */
  readonly resume: string | undefined;
  /** Default: what the first request asks for. */
  readonly endpoint: BatchEndpoint | undefined;
  /** A duration. */
  readonly completionWindow: string;
  /** Where the results go. */
  readonly paths: ResultPaths;
  /** Whether they may replace others. */
  readonly force: boolean;
}

/** A batch that has ended. */
export interface BatchOutcome {
  /** How it ended. */
  readonly batch: Batch;
  /** Path of the answers; `undefined` if there are none. */
  readonly output: string | undefined;
  /** Path of what was not answered well; `undefined` if all was. */
  readonly errors: string | undefined;
}

/**
 * Begins a batch, or finds one, waits for its end and fetches its results. Who breaks it off is told that the batch goes
 * on.
 *
 * @throws {GatewayError} If the batch cannot be begun, its lines are wrong, the gateway is away for too long, or the
 *   results cannot be written. The signal's reason.
 */
export async function runBatch(api: BatchRunApi, wish: BatchWish, host: BatchRunHost): Promise<BatchOutcome> {
  using progress = startProgress(
    host,
    wish.resume === undefined ? `Reading ${wish.file}` : `Asking for ${wish.resume}`,
  );
  const { signal, clock = systemClock } = host;
  const onAway = ({ message }: GatewayError) =>
    progress.update(`The gateway is asked again until it answers: ${message}`);
  const patience = { signal, clock, onAway };
  const { resume } = wish;
  let batch = resume === undefined
    ? await begin(api, wish, progress)
    : await askPatiently(() => api.get(resume), patience);
  try {
    batch = await untilEnded(api, batch, { ...patience, progress });
    if (batch.status !== "failed") {
      return { batch, ...await fetchResults(api, batch, wish, { ...patience, progress }) };
    }
  } catch (error) {
    progress[Symbol.dispose]();
    host.stderr.write(`${printable(howToGoOn(batch, wish))}\n`);
    throw error;
  }
  throw new GatewayError(
    "invalid_request",
    `Cannot run batch ${batch.id}: its input has mistakes\n${mistakesText(batch.mistakes)}`,
  );
}

async function begin(
  api: BatchRunApi,
  { file = "", endpoint: wanted, completionWindow }: BatchWish,
  progress: Progress,
): Promise<Batch> {
  const input = await readBatchInput(file);
  const endpoint = wanted ?? endpointOf(input);
  await api.list(1); // first: a refusal is seldom heard amid a large upload
  progress.update(`Uploading ${input.name}, ${formatBytes(input.content.byteLength)}`);
  const inputFileId = await api.upload(input.name, input.content);
  return await api.create({ inputFileId, endpoint, completionWindow });
}

async function fetchResults(
  api: BatchRunApi,
  { outputFileId, errorFileId }: Batch,
  { paths, force }: BatchWish,
  { progress, ...patience }: Patience & { readonly progress: Progress },
): Promise<Pick<BatchOutcome, "output" | "errors">> {
  const fetchTo = async (path: string, id: string | undefined): Promise<string | undefined> => {
    if (id === undefined) return force ? await removeStale(path) : undefined;
    progress.update(`Fetching ${path}`);
    await askPatiently(() => writeWhole(path, api.download(id), { force }), patience);
    return path;
  };
  return {
    output: await fetchTo(paths.output, outputFileId),
    errors: await fetchTo(paths.errors, errorFileId),
  };
}

function howToGoOn({ id, endedAtMs }: Batch, { file }: BatchWish): string {
  const resume = `"sollol batch run ${file === undefined ? "" : `${file} `}--resume ${id}"`;
  return endedAtMs === undefined
    ? `Batch ${id} goes on: ${resume} waits for it, "sollol batch cancel ${id}" ends it`
    : `Batch ${id} has ended: ${resume} fetches its results`;
}
