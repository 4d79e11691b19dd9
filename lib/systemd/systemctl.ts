import { GatewayError } from "../errors.ts";
import { parseUnitState, SHOWN_PROPERTIES, type UnitState } from "./unit_state.ts";
import type { CommandOutcome, UnitHost } from "./unit_host.ts";
import type { UnitPlace } from "./unit_place.ts";

/** systemd limits how long a unit starts and stops, and who drains for an hour is waited for. */
const JOB_TIMEOUT_MS = 24 * 3_600_000;

/** @see `BUS_ERROR_NOTHING_TO_CLEAN` in src/core/dbus-unit.c */
const NOTHING_TO_CLEAN = "No matching resources found";

/** States of a unit that has ended. */
const ENDED = ["inactive", "failed", "maintenance"];

/** Units in the order in which they may be stopped or restarted: a socket whose service ends first would start it again. */
export function socketsFirst(units: readonly string[]): string[] {
  return units.toSorted((a, b) => Number(b.endsWith(".socket")) - Number(a.endsWith(".socket")));
}

/** Talks to one systemd by its own commands. */
export class Systemctl {
  readonly #host: UnitHost;
  readonly #place: UnitPlace;
  readonly #signal: AbortSignal;

  /** Asks nothing yet. The signal ends every command. */
  constructor(host: UnitHost, place: UnitPlace, { signal }: { signal: AbortSignal }) {
    this.#host = host;
    this.#place = place;
    this.#signal = signal;
  }

  /**
   * Why this systemd cannot be talked to, as a sentence; `undefined` if it can.
   *
   * @throws {Error} Only the signal's reason.
   */
  async whyAbsent(): Promise<string | undefined> {
    if (this.#place.root !== undefined) return `${this.#place.root} is not running`;
    if (!(await this.#host.readInfo("/run/systemd/system"))) {
      return "systemd does not run on this machine (there is no /run/systemd/system)";
    }
    if (this.#place.manager === "system") return undefined;
    const { code, failure } = await this.#run("systemctl", ["show", "--property=Version"]);
    if (code === 0) return undefined;
    return `your own systemd does not run (systemctl --user ${failure}); log in as this user, ` +
      "or let it run always: sudo loginctl enable-linger";
  }

  /** Has it read all units again. @throws {GatewayError} `upstream_failed` if it refuses. */
  async reload(): Promise<void> {
    await this.#must("read its units again", ["daemon-reload"]);
  }

  /**
   * Has units started with the machine. Works without a running systemd, too.
   *
   * @throws {GatewayError} `upstream_failed` if it refuses.
   */
  async enable(units: readonly string[]): Promise<void> {
    if (units.length > 0) await this.#must("enable", ["enable", ...units]);
  }

  /** No longer. Units that do not exist are passed over. */
  async disable(units: readonly string[]): Promise<void> {
    for (const unit of units) await this.#run("systemctl", ["disable", unit]);
  }

  /** Starts units, those that run anew. @returns How it failed; `undefined` if it did not. */
  async restart(units: readonly string[]): Promise<string | undefined> {
    await this.#run("systemctl", ["reset-failed", ...units]); // else one that ended too often is not started
    const { code, failure } = await this.#run("systemctl", ["restart", ...units], JOB_TIMEOUT_MS);
    return code === 0 ? undefined : failure;
  }

  /**
   * Stops units and waits for their ends, sockets first. Units that do not run are passed over.
   *
   * @throws {GatewayError} `upstream_failed` if one does not end.
   */
  async stop(units: readonly string[]): Promise<void> {
    for (const unit of socketsFirst(units)) {
      const { failure } = await this.#run("systemctl", ["stop", unit], JOB_TIMEOUT_MS);
      await this.#run("systemctl", ["reset-failed", unit]);
      const { active } = await this.readState(unit);
      if (ENDED.includes(active)) continue;
      throw new GatewayError(
        "upstream_failed",
        `systemd does not stop ${unit}: systemctl ${failure || active}`,
      );
    }
  }

  /** What systemd knows of a unit. @throws {GatewayError} `upstream_failed` if it does not answer. */
  async readState(unit: string): Promise<UnitState> {
    const { code, stdout, failure } = await this.#run("systemctl", [
      "show",
      `--property=${SHOWN_PROPERTIES.join(",")}`,
      unit,
    ]);
    if (code === 0) return parseUnitState(stdout);
    throw new GatewayError("upstream_failed", `Cannot read the state of ${unit}: systemctl ${failure}`);
  }

  /** Names of the units of a pattern that systemd holds in memory: those that run, or have failed. */
  async listLoaded(pattern: string): Promise<string[]> {
    const { code, stdout } = await this.#run("systemctl", [
      "list-units",
      "--all",
      "--plain",
      "--no-legend",
      pattern,
    ]);
    if (code !== 0) return [];
    return stdout.split("\n").map((line) => line.trim().split(/\s+/)[0]!).filter((name) => name !== "");
  }

  /** Removes what a service that is stopped has stored, if anything. @returns How it failed, if it did. */
  async clean(unit: string): Promise<string | undefined> {
    const { code, failure } = await this.#run("systemctl", ["clean", "--what=all", unit]);
    return code === 0 || failure.includes(NOTHING_TO_CLEAN) ? undefined : failure;
  }

  /** The last lines that a unit logged, oldest first; none if the journal cannot be read. */
  async readLog(unit: string, { lineCount }: { lineCount: number }): Promise<string[]> {
    const which = this.#place.manager === "user" ? `--user-unit=${unit}` : `--unit=${unit}`;
    const args = [which, `--lines=${lineCount}`, "--output=cat", "--no-pager", "--quiet"];
    const { code, stdout } = await this.#run("journalctl", args);
    return code === 0 ? stdout.split("\n").filter((line) => line.trim() !== "") : [];
  }

  async #must(what: string, args: readonly string[]): Promise<void> {
    const { code, failure } = await this.#run("systemctl", args);
    if (code !== 0) {
      throw new GatewayError("upstream_failed", `systemd does not ${what}: systemctl ${failure}`);
    }
  }

  async #run(
    program: "systemctl" | "journalctl",
    args: readonly string[],
    timeoutMs?: number,
  ): Promise<CommandOutcome> {
    const scope = program === "systemctl" ? this.#scope() : [];
    const limits = { signal: this.#signal, ...(timeoutMs !== undefined && { timeoutMs }) };
    return await this.#host.run(program, [...scope, ...args], limits);
  }

  #scope(): string[] {
    const { root, manager } = this.#place;
    return [
      "--no-pager",
      "--no-ask-password",
      ...(manager === "user" ? ["--user"] : []),
      ...(root === undefined ? [] : [`--root=${root}`]),
    ];
  }
}
