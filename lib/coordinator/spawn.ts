import { systemClock } from "../clock.ts";
import { buildLaunchCommand, type ServerAddress } from "../llama_server/args.ts";
import { ChildProcess } from "../process/child.ts";
import { LogFile } from "../process/log_file.ts";
import { CoordinatorLog } from "./coordinator_log.ts";
import { coordinatorEnvironment, type CoordinatorLaunch, toLaunchOptions } from "./launch.ts";
import { makeListenPlace } from "./listen_place.ts";
import type { CoordinatorOptions } from "./startup.ts";

/** The process, and who hears it. */
export interface SpawnedServer {
  /** Leads its own process group. */
  readonly child: ChildProcess;
  /** Hears every line of the process. */
  readonly log: CoordinatorLog;
  /** What it was told; with port 0 the log tells where it listens. */
  readonly listen: ServerAddress;
  /** Random, new for each start. */
  readonly apiKey: string;
  /** Adds a line of our own, with the time, to what is kept of its output. */
  readonly note: (text: string) => void;
}

/**
 * Starts the process of a llama-server, and keeps what it says; nothing that users write is kept.
 *
 * @param lifetime Gets what must be disposed with it: its socket's directory, its log file, and it itself.
 * @throws {GatewayError} `backend_unreachable` if the program cannot be started. The signal's reason.
 * @throws {RangeError} If the launch holds what llama-server would refuse.
 */
export async function spawnServer(
  launch: CoordinatorLaunch,
  { onEvent, logger, journal, recorder, clock = systemClock, signal }: CoordinatorOptions,
  lifetime: AsyncDisposableStack,
): Promise<SpawnedServer> {
  const apiKey = crypto.randomUUID();
  const { listen } = lifetime.use(await makeListenPlace(launch.transport ?? "unix", launch.runtimeDirectory));
  const { args, env } = buildLaunchCommand(toLaunchOptions(launch, listen, apiKey));
  const log = new CoordinatorLog(onEvent);
  const file = launch.logFile && lifetime.use(new LogFile({ ...launch.logFile, logger }));
  const keep = (line: string): void => {
    file?.append(line);
    journal?.append(line);
  };
  const note = (text: string): void => keep(`--- ${new Date(clock.now()).toISOString()} ${text}`);
  signal.throwIfAborted();
  const child = lifetime.use(
    await ChildProcess.spawn({
      program: launch.program,
      args,
      env: coordinatorEnvironment(Deno.env.toObject(), env),
      clock,
      onLine: (line) => {
        if (log.read(line)) keep(line);
      },
    }),
  );
  recorder?.record(child, { model: launch.model, words: ["-m", launch.modelPath] });
  note(`llama-server of "${launch.model}" started, pid ${child.pid}`);
  void child.exited.then(({ sentence }) => note(`llama-server, pid ${child.pid}, ${sentence}`));
  return { child, log, listen, apiKey, note };
}
