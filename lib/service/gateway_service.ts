import type { Environment } from "../config/environment.ts";
import type { ListenAddress } from "../config/listen_address.ts";
import type { GatewayHealth } from "../gateway.ts";
import type { Logger } from "../log.ts";
import type { ConfigEvent, ConfigReading } from "../reload/config_reload.ts";
import { checkFront } from "./front_check.ts";
import { ownAddress } from "./own_address.ts";
import type { ProgramWatch } from "./program_watch.ts";
import { ServiceManager } from "./service_manager.ts";
import { describeDraining, describeServing } from "./serving_status.ts";

/** A gateway that listens. */
export interface ListeningGateway {
  /** Where, for people. */
  readonly url: string;
  /** The same, to connect to. */
  readonly address: ListenAddress;
  /** What answers behind it. */
  readonly open: { readonly gateway: { readonly health: GatewayHealth } };
}

/** What a {@linkcode GatewayService} works with. */
export interface GatewayServiceOptions {
  /** Whether a service manager started us is read from it. */
  readonly env: Environment;
  /** Hears of trouble with it. */
  readonly logger: Logger;
  /** Says whether what runs is still the program that is there. */
  readonly program: Pick<ProgramWatch, "restartNeeded">;
}

/** Tells the service manager, if there is one, how the gateway is, from its start to its end. */
export class GatewayService implements AsyncDisposable {
  readonly #options: GatewayServiceOptions;
  readonly #manager: ServiceManager;
  #configFault: string | undefined;
  #watch: AsyncDisposable | undefined;

  /** Tells that it starts. */
  constructor(options: GatewayServiceOptions) {
    this.#options = options;
    this.#manager = new ServiceManager(options);
    this.#manager.starting(() => "starts");
  }

  /** Follows each reading of the configuration. */
  readonly onReading: ConfigReading = {
    begins: () => {
      this.#configFault = undefined;
      this.#manager.reloading();
    },
    ends: () => this.#manager.reloaded(),
  };

  /** Takes what became of a reading. */
  readConfig({ error }: ConfigEvent): void {
    this.#configFault = error;
  }

  /** It listens: tells so once it has answered, and keeps the watchdog quiet for as long as it answers. */
  async serves(gateway: ListeningGateway, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const manager = this.#manager;
    const { logger } = this.#options;
    if (!manager.isThere) return;
    const isAlive = await checkFront(ownAddress(gateway.address), { signal, logger }).catch(() => undefined);
    if (!isAlive) return; // told to end meanwhile
    manager.ready(() => describeServing(gateway.url, gateway.open.gateway.health, this.#remarks()));
    this.#watch = manager.watch(isAlive);
  }

  /** It takes nobody any more. */
  async drains({ open: { gateway } }: ListeningGateway, drainMs: number): Promise<void> {
    this.#manager.stopping(() => describeDraining(gateway.health.inFlightCount, drainMs));
    await this.#watch?.[Symbol.asyncDispose]();
  }

  /** It was told to end before it listened. */
  givesUp(): void {
    this.#manager.stopping(() => "was told to end before it listened");
  }

  /** Waits a moment for what was not heard yet. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
    await this.#manager[Symbol.asyncDispose]();
  }

  #remarks() {
    return { restartNeeded: this.#options.program.restartNeeded, configFault: this.#configFault };
  }
}
