import { type Clock, systemClock } from "../clock.ts";
import type { CoordinatorReport } from "../coordinator_admin.ts";
import { GatewayError } from "../errors.ts";
import type { CliHost } from "./command.ts";
import type { GatewayApi } from "./gateway_api.ts";
import { type LoadText, textOfEvent, textOfReport } from "./load_text.ts";
import { type Progress, startProgress } from "./progress.ts";
import { printable } from "./terminal.ts";
import type { WatchedEvent } from "./watched_event.ts";

/** For how long a gateway that ends its events may take to say what becomes of the load, ms. */
const LAST_WORDS_MS = 2_000;

/** A model that is made ready. */
export interface Start {
  /** Its name, or its coordinator's id, as the person gave it. */
  readonly name: string;
  /** Asks for it; resolves when it is ready. */
  begin(): Promise<CoordinatorReport>;
}

/**
 * Has a coordinator made ready and tells how far it is. One who interrupts it is told that it goes on.
 *
 * @throws {GatewayError} If that is refused or fails, or the gateway goes away meanwhile.
 */
export async function watchStart(
  api: Pick<GatewayApi, "watch" | "getCoordinator">,
  { name, begin }: Start,
  { clock = systemClock, ...host }: Pick<CliHost, "stderr" | "env" | "signal"> & { clock?: Clock },
): Promise<CoordinatorReport> {
  const finder = new CoordinatorFinder(api, name);
  try {
    using progress = startProgress(host, `Loading ${name}`);
    return await watched(begin(), (until) => tell(api.watch(until), finder, progress), { name, clock });
  } catch (error) {
    if (host.signal.aborted && finder.isFound) {
      host.stderr.write(
        `${printable(name)} goes on loading: "sollol ps" shows it, "sollol unload" stops it\n`,
      );
    }
    throw error;
  }
}

/** What `ready` gives, unless whoever watches finds out earlier that it never will. */
async function watched<T>(
  ready: Promise<T>,
  watch: (until: AbortSignal) => Promise<void>,
  { name, clock }: { name: string; clock: Clock },
): Promise<T> {
  const stop = new AbortController();
  const lost = watch(stop.signal).then(async () => {
    await clock.sleep(LAST_WORDS_MS, { signal: stop.signal });
    throw new GatewayError(
      "upstream_failed",
      `The gateway ended while "${name}" was loading; see its log, and try again when it runs`,
    );
  });
  try {
    return await Promise.race([ready, lost]);
  } finally {
    stop.abort();
    await Promise.allSettled([lost]);
  }
}

async function tell(
  events: AsyncIterable<WatchedEvent>,
  finder: CoordinatorFinder,
  progress: Progress,
): Promise<void> {
  for await (const event of events) {
    const told = await finder.textOf(event);
    if (told) progress.update(told.text, { isDetail: told.isDetail });
  }
}

/** Knows which coordinator a name means, as soon as there is one: only the gateway can tell. */
class CoordinatorFinder {
  #id: string | undefined;
  readonly #others = new Set<string>();

  constructor(private readonly api: Pick<GatewayApi, "getCoordinator">, private readonly name: string) {}

  get isFound(): boolean {
    return this.#id !== undefined;
  }

  /** What an event says of it. */
  async textOf(event: WatchedEvent): Promise<LoadText | undefined> {
    if (event.type !== "snapshot") return await this.#isIt(event.id) ? textOfEvent(event) : undefined;
    for (const report of event.coordinators) {
      if (await this.#isIt(report.id)) return textOfReport(report);
    }
    return undefined;
  }

  async #isIt(id: string): Promise<boolean> {
    if (this.#id === undefined && !this.#others.has(id)) await this.#find(id);
    return this.#id === id;
  }

  async #find(id: string): Promise<void> {
    try {
      ({ id: this.#id } = await this.api.getCoordinator(this.name));
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "not_found") throw error;
      this.#others.add(id); // it is known, and the name means nothing yet: it is another's
    }
  }
}
