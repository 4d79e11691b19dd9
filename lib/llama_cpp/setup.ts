import { basename, dirname, isAbsolute, join } from "node:path";
import { GatewayError } from "../errors.ts";
import { lockFile } from "../process/file_lock.ts";
import { formatVersion } from "../rpc/protocol.ts";
import { checkPrograms } from "./check_programs.ts";
import { installPackages, type InstallPackagesOptions, type InstallProgress } from "./install_packages.ts";
import { type Installation, readInstallation, writeInstallation } from "./installation.ts";
import { activate, createInstall, preparePrefix, type Programs, programsIn, removeUnused } from "./prefix.ts";
import { readRpcProtocol } from "./rpc_protocol.ts";
import { explainSetupFailure } from "./setup_failure.ts";

/** What setup is doing; in `wait` another setup of this prefix runs. */
export type SetupProgress = { readonly stage: "wait" } | InstallProgress;

/** How {@linkcode setupLlamaCpp} installs. */
export interface SetupOptions extends Omit<InstallPackagesOptions, "onProgress"> {
  /** Absolute directory that holds nothing else; made if absent. */
  prefix: string;
  /** Installs anew even if a working installation is there. */
  force?: boolean | undefined;
  /** Called as each stage begins. */
  onProgress?: (progress: SetupProgress) => void;
}

/** What is installed after {@linkcode setupLlamaCpp}. */
export interface SetupResult extends Programs {
  /** The record in the prefix. */
  readonly installation: Installation;
  /** Whether it was there and worked, so that nothing was done. */
  readonly wasInstalled: boolean;
}

/**
 * Installs llama-server and ggml-rpc-server from Debian's packages into a private prefix: needs no root,
 * changes nothing on the host outside the prefix, and takes about 10 s and 23 MB of download. The programs
 * run by the packages' own libc, so an older Debian will do. Safe to repeat, to run twice at once and to
 * interrupt: `PREFIX/bin` changes in one step, after the new programs were seen to run.
 *
 * @throws {GatewayError} `invalid_request` or `conflict` if this host or prefix cannot hold it,
 * `upstream_failed` or `upstream_timeout` if the packages could not be had; the signal's reason on abort.
 */
export async function setupLlamaCpp(options: SetupOptions): Promise<SetupResult> {
  try {
    return await setup(options);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw explainSetupFailure(error, options.prefix);
  }
}

async function setup(options: SetupOptions): Promise<SetupResult> {
  const { prefix, signal, onProgress = () => {} } = options;
  checkOptions(options);
  const known = await findWorking(options);
  if (known) return known; // before the lock: a prefix that only root may write can still be used
  await preparePrefix(prefix);
  const onWait = () => onProgress({ stage: "wait" });
  using _lock = await lockFile(join(prefix, ".lock"), { signal, onWait });
  const made = await findWorking(options);
  if (made) return made; // by the setup that was waited for
  await removeUnused(prefix);
  await using cleanup = new AsyncDisposableStack();
  const install = await createInstall(prefix);
  cleanup.defer(() => Deno.remove(install, { recursive: true }).catch(() => {})); // the next setup tries again
  const installation = await installPackages(install, { ...options, onProgress });
  await activate(prefix, basename(install));
  cleanup.move();
  await removeUnused(prefix);
  return { installation, ...programsIn(prefix), wasInstalled: false };
}

function checkOptions({ prefix, suite }: SetupOptions): void {
  // a quote ends a value in apt.conf; colons and semicolons separate the entries of the loader's library path
  if (!isAbsolute(prefix) || /["\\:;\n]/.test(prefix)) {
    throw new GatewayError(
      "invalid_request",
      `Cannot install into "${prefix}": give an absolute path without quotes, backslashes, colons and semicolons`,
    );
  }
  if (suite !== undefined && !/^[a-z][a-z0-9.-]*$/i.test(suite)) {
    throw new GatewayError(
      "invalid_request",
      `"${suite}" is not a suite of Debian; write for example "forky"`,
    );
  }
}

async function findWorking({ prefix, suite, force, signal }: SetupOptions): Promise<SetupResult | undefined> {
  const installation = force ? undefined : await readInstallation(prefix);
  if (!installation || (suite !== undefined && suite !== installation.suite)) return undefined;
  const programs = programsIn(prefix);
  const check = await checkPrograms(programs, { signal });
  if (!check.ok) return undefined;
  return {
    installation: await withRpcProtocol(installation, programs, signal),
    ...programs,
    wasInstalled: true,
  };
}

/** Adds what an earlier version of sollol has not recorded; only to the result where the prefix is not ours to write. */
async function withRpcProtocol(
  installation: Installation,
  { llamaServer, rpcServer }: Programs,
  signal: AbortSignal | undefined,
): Promise<Installation> {
  if (installation.rpcProtocol !== undefined) return installation;
  const version = await readRpcProtocol(rpcServer, { signal });
  if (!version) return installation;
  const completed = { ...installation, rpcProtocol: formatVersion(version) };
  const install = dirname(dirname(await Deno.realPath(llamaServer)));
  await writeInstallation(install, completed).catch(() => {});
  return completed;
}
