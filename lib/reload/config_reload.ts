import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { ConfigError, describeProblem } from "../config/config_error.ts";
import type { LiveConfig } from "../config/live_config.ts";
import type { GatewayEvent } from "../coordinator_admin.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";

/** What becomes of the config, for whoever watches. */
export type ConfigEvent = Extract<GatewayEvent, { type: "config" }>;

/** A config that was read again. */
export interface ReadConfig {
  /** Valid. */
  readonly config: Config;
  /** What is allowed but probably not meant, one sentence each. */
  readonly warnings: readonly string[];
}

/** Hears of each reading of the config. Must not throw. */
export interface ConfigReading {
  /** All sources are read from here on. */
  begins(): void;
  /** What was read is in force, or refused. */
  ends(): void;
}

/** What {@linkcode ConfigReload} works with. */
export interface ConfigReloadParts {
  /** Gets what was read. */
  readonly live: LiveConfig;
  /** Reads all sources again. @throws {ConfigError} With everything that is wrong. */
  readonly read: () => Promise<ReadConfig>;
  /** Gets one line for each time that it was read, and one for each warning. */
  readonly logger: Logger;
  /** Hears of each change and each fault. Must not throw. */
  readonly onEvent: (event: ConfigEvent) => void;
  /** Hears of each reading. */
  readonly onReading?: ConfigReading;
  /** Default: the host's. */
  readonly clock?: Pick<Clock, "now">;
}

/**
 * Reads the config again when it is asked to, and puts it in force; a config that is wrong leaves the one before as it
 * is. However often it is asked, one reading runs at a time, and the last one began after the last request.
 */
export class ConfigReload implements Disposable {
  readonly #parts: ConfigReloadParts;
  #wantedBecause: string | undefined;
  #isRunning = false;
  #isClosed = false;

  /** Reads nothing yet. */
  constructor(parts: ConfigReloadParts) {
    this.#parts = parts;
  }

  /**
   * Has the config read soon; returns at once.
   *
   * @param because Why, for the log: `SIGHUP`.
   */
  request(because: string): void {
    this.#wantedBecause = because;
    if (!this.#isRunning) void this.#run();
  }

  /** Nothing is put in force any more, not even by a reading that is under way. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
  }

  /** Cannot reject: what fails is told to the log. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#wantedBecause !== undefined && !this.#isClosed) {
      const because = this.#wantedBecause;
      this.#wantedBecause = undefined;
      await this.#reload(because);
    }
    this.#isRunning = false;
  }

  async #reload(because: string): Promise<void> {
    const { read, logger, onReading } = this.#parts;
    onReading?.begins();
    try {
      const readConfig = await read();
      if (!this.#isClosed) this.#apply(readConfig, because);
    } catch (error) {
      if (this.#isClosed) return;
      const problems = error instanceof ConfigError
        ? error.problems.map(describeProblem)
        : [messageOf(error)];
      logger.warn("config not taken, the one before stays in force", { because, problems });
      this.#tell({ applied: [], needRestart: [], error: problems.join("; ") });
    } finally {
      onReading?.ends();
    }
  }

  #apply({ config, warnings }: ReadConfig, because: string): void {
    const { live, logger } = this.#parts;
    try {
      const change = live.apply(config);
      const { applied, needRestart } = change;
      if (applied.length === 0 && needRestart.length === 0) {
        logger.info("config unchanged", { readBecause: because }); // not unchanged because of that
        return;
      }
      logger.info("config applied", { because, applied, needRestart });
      for (const warning of warnings) logger.warn("config doubtful", { warning });
      this.#tell(change);
    } catch (error) { // a bug: the config is in force, but somebody failed by it
      logger.error("config not applied everywhere, restart the gateway", { because, error });
    }
  }

  #tell(what: Pick<ConfigEvent, "applied" | "needRestart" | "error">): void {
    const { onEvent, clock = systemClock } = this.#parts;
    onEvent({ at: new Date(clock.now()).toISOString(), type: "config", ...what });
  }
}
