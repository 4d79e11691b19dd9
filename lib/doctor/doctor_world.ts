import type { Clock } from "../clock.ts";
import type { Environment } from "../config/environment.ts";
import type { ListenAddress } from "../config/listen_address.ts";
import type { HttpClient } from "../http/client.ts";
import type { ProbeBackend } from "../rpc/probe.ts";
import type { UnitHost } from "../systemd/unit_host.ts";
import type { LlamaPrograms } from "./check_llama_cpp.ts";
import type { InstalledUnit } from "./check_units.ts";
import type { GatewayWitness } from "./gateway_witness.ts";
import type { Machine } from "./machine.ts";
import type { measureLink } from "./measure_link.ts";

/** The world that a doctor looks at; injected, so that a test can break any part of it. Nothing in it is changed. */
export interface DoctorWorld {
  /** This host. */
  readonly machine: Machine;
  /** The same, as units are looked for. */
  readonly unitHost: UnitHost;
  /** Variables of the process. */
  readonly env: Environment;
  /** Time. */
  readonly clock: Clock;
  /** Asks nodes and llama-servers; stays the caller's. */
  readonly http: Pick<HttpClient, "send">;
  /** Asks rpc backends. */
  readonly probe: ProbeBackend;
  /** Measures the way to them. */
  readonly measure: typeof measureLink;
  /** Asks llama.cpp's programs. */
  readonly programs: LlamaPrograms;
  /** The gateway that may run; `undefined` if it cannot be said where. */
  readonly witness: GatewayWitness | undefined;
  /** Reads the units that sollol installed here. */
  readonly readUnits: (signal: AbortSignal) => Promise<readonly InstalledUnit[]>;
  /** Names who listens at an address of this host; `undefined` if that cannot be seen. */
  readonly describePortHolder: (listen: ListenAddress, signal: AbortSignal) => Promise<string | undefined>;
  /** Of this program. */
  readonly version: string;
  /** Ends everything. */
  readonly signal: AbortSignal;
}
