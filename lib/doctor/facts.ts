import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { Deadline } from "../deadline.ts";
import { findLlamaCpp, type LlamaCpp } from "../llama_cpp/find.ts";
import { ownVersionOf } from "../llama_cpp/own_version.ts";
import { silentLogger } from "../log.ts";
import { findModelRoots, type ModelRoots, thisMachine } from "../ollama/locations.ts";
import { ModelStore } from "../ollama/storage.ts";
import type { OwnVersion } from "../registry/health_ledger.ts";
import { BackendStore, type StoredBackend } from "../store/backend_store.ts";
import { databasePath } from "../store/database_path.ts";
import { LoadStore } from "../store/load_store.ts";
import { NodeStore, type StoredNode } from "../store/node_store.ts";
import { openDatabaseCopy } from "../store/open_database.ts";
import { untilAborted } from "../until_aborted.ts";
import { ComplaintLog, readStoredModels, type StoredModels } from "./check_models.ts";
import type { InstalledUnit } from "./check_units.ts";
import type { GatewayWitness, Testimony } from "./gateway_witness.ts";

/** For how long a gateway may think before all else goes on without it, ms. */
const TESTIMONY_MS = 2_500;

/** What the state directory holds. */
export interface StoredState {
  /** Registered by hand. */
  readonly backends: readonly StoredBackend[];
  /** Registered by hand. */
  readonly nodes: readonly StoredNode[];
  /** How fast weights came to a backend, bytes per second; `undefined` if nobody knows. */
  readonly bytesPerSecond: (endpoint: string) => number | undefined;
}

/** What several checks want to know. Each is found out once, when the first of them asks. */
export interface Facts {
  /** Where the programs are. */
  readonly llamaCpp: () => Promise<LlamaCpp>;
  /** What our llama-server is; `undefined` if nobody knows. */
  readonly ownVersion: () => Promise<OwnVersion | undefined>;
  /** What the gateway says. Never rejects. */
  readonly testimony: () => Promise<Testimony>;
  /** What outlived the last restart. */
  readonly state: () => Promise<StoredState>;
  /** Where models are looked for if the configuration names no place. */
  readonly modelRoots: () => Promise<ModelRoots>;
  /** What is stored there. */
  readonly models: () => Promise<StoredModels>;
  /** The units that sollol installed here. */
  readonly units: () => Promise<readonly InstalledUnit[]>;
}

/** From where facts are gathered. */
export interface FactSources {
  /** Variables of the process. */
  readonly env: Environment;
  /** Time. */
  readonly clock: Clock;
  /** The gateway that may run. */
  readonly witness: GatewayWitness | undefined;
  /** Reads the units that sollol installed here. */
  readonly readUnits: (signal: AbortSignal) => Promise<readonly InstalledUnit[]>;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

/** Looks nowhere yet. */
export function gatherFacts(config: Config, sources: FactSources): Facts {
  const { env, witness, readUnits, signal } = sources;
  const llamaCpp = once(() => findLlamaCpp({ ...config.llamaCpp, env }));
  const modelRoots = once(() => findModelRoots(thisMachine(env)));
  return {
    llamaCpp,
    modelRoots,
    ownVersion: once(async () => await ownVersionOf(await llamaCpp(), { signal })),
    testimony: once(() => witness ? hear(witness, sources) : Promise.resolve(NOBODY)),
    state: once(() => Promise.resolve(readState(config))),
    models: once(async () => {
      const roots = config.models.length > 0
        ? config.models
        : (await modelRoots()).roots.map(({ path }) => path);
      const complaints = new ComplaintLog();
      return await readStoredModels(new ModelStore({ roots, logger: complaints }), { complaints, signal });
    }),
    units: once(() => readUnits(signal)),
  };
}

const NOBODY: Testimony = { kind: "absent", reason: "no gateway can be named" };

async function hear(witness: GatewayWitness, { clock, signal }: FactSources): Promise<Testimony> {
  using deadline = new Deadline(clock, TESTIMONY_MS, { signal });
  const late = untilAborted(deadline.signal).then((): Testimony => ({
    kind: "silent",
    isGateway: false,
    reason: `${witness.url} took the connection and does not answer; look whether it hangs`,
  }));
  const said = witness.ask(deadline.signal).catch((error): Testimony | Promise<never> => {
    if (deadline.signal.aborted) return new Promise<never>(() => {}); // the race is decided
    return { kind: "silent", isGateway: false, reason: `${witness.url} cannot be asked: ${error.message}` };
  });
  return await Promise.race([said, late]);
}

function readState(config: Config): StoredState {
  const logger = silentLogger;
  const database = openDatabaseCopy(databasePath(config.stateDir), { logger });
  const loads = new LoadStore(database, { logger });
  return {
    backends: new BackendStore(database, { logger }).list(),
    nodes: new NodeStore(database, { logger }).list(),
    bytesPerSecond: (endpoint) => loads.bytesPerSecond(endpoint),
  };
}

function once<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return () => found ??= find();
}
