import { join } from "node:path";
import { GatewayError } from "../errors.ts";
import { describeFailure, run } from "../process/run.ts";
import { formatVersion } from "../rpc/protocol.ts";
import { checkPrograms } from "./check_programs.ts";
import { BY_HAND, type DebianHost, readDebianHost } from "./host_debian.ts";
import { type Installation, writeInstallation } from "./installation.ts";
import { programsIn } from "./prefix.ts";
import { type DebPackage, PrivateApt } from "./private_apt.ts";
import { readRpcProtocol } from "./rpc_protocol.ts";
import { writeWrappers } from "./wrapper.ts";

/** Debian's testing suite of 2026, the oldest one that has llama.cpp. */
const DEFAULT_SUITE = "forky";
/** The last is only suggested by the others, but without it llama-server has no `--rpc`. */
const PACKAGES = ["llama.cpp-tools", "llama.cpp-tools-extra", "libggml0-backend-rpc"];
/** 10 MB of lists and 13 MB of packages come through a slow line in this time each. */
const DEFAULT_STEP_TIMEOUT_MS = 15 * 60_000;

/** What an installation is doing; the stages come in this order. */
export type InstallProgress =
  | { readonly stage: "lists"; readonly mirror: string; readonly suite: string }
  | { readonly stage: "resolve" }
  | DownloadProgress
  | { readonly stage: "unpack"; readonly packageCount: number }
  | { readonly stage: "verify" };

/** The fetching of a package begins. */
export interface DownloadProgress {
  /** Tells it from the other stages. */
  readonly stage: "download";
  /** The package. */
  readonly name: string;
  /** Counts from 1. */
  readonly index: number;
  /** Of how many. */
  readonly packageCount: number;
  /** Bytes of the packages before this one. */
  readonly doneBytes: number;
  /** Bytes of all packages. */
  readonly totalBytes: number;
}

/** How {@linkcode installPackages} fetches. */
export interface InstallPackagesOptions {
  /** Debian suite; default `forky`. */
  suite?: string | undefined;
  /** Debian mirror; default the one that the host installs its own packages from. */
  mirror?: string | undefined;
  /** Whole environment of apt and dpkg; `PATH` says where they are. Default our own. */
  env?: Record<string, string> | undefined;
  /** Where the host's source lists are; default `/etc/apt`. */
  sourcesDirectory?: string | undefined;
  /** How long one command may take; default 15 min. */
  stepTimeoutMs?: number | undefined;
  /** Ends the command that is running. */
  signal?: AbortSignal | undefined;
  /** Called as each stage begins. */
  onProgress: (progress: InstallProgress) => void;
}

/**
 * Fetches llama.cpp's packages, unpacks them into an empty directory, makes them runnable there and tries them.
 *
 * @returns What is now installed; also written to the directory.
 * @throws {GatewayError} If that failed; the directory is then of no use.
 */
export async function installPackages(
  install: string,
  options: InstallPackagesOptions,
): Promise<Installation> {
  const { suite = DEFAULT_SUITE, mirror, sourcesDirectory, signal, onProgress } = options;
  const { env = Deno.env.toObject(), stepTimeoutMs: timeoutMs = DEFAULT_STEP_TIMEOUT_MS } = options;
  const host = await readDebianHost({ env, mirror, sourcesDirectory, signal });
  const directory = join(install, "apt");
  const apt = await PrivateApt.create({ host, suite, directory, env, timeoutMs, signal });
  onProgress({ stage: "lists", mirror: host.mirror, suite });
  await apt.update();
  onProgress({ stage: "resolve" });
  const packages = await apt.resolve(PACKAGES);
  const files = await apt.download(packages, reportDownload(packages, onProgress));
  onProgress({ stage: "unpack", packageCount: files.length });
  for (const file of files) await unpack(file, join(install, "root"), host, { env, timeoutMs, signal });
  await Deno.remove(directory, { recursive: true }); // lists and packages are thrice the size of what they gave
  await writeWrappers(install, host.architecture);
  onProgress({ stage: "verify" });
  const programs = programsIn(install);
  const check = await checkPrograms(programs, { signal });
  if (!check.ok) {
    const trouble = `The llama.cpp of suite ${suite} does not run here: ${check.because}`;
    throw new GatewayError("upstream_failed", `${trouble}. Choose another with --suite. ${BY_HAND}`);
  }
  const rpcProtocol = await readRpcProtocol(programs.rpcServer, { signal });
  const installation = {
    ...describeInstallation(host, suite, check.version.text, packages),
    rpcProtocol: rpcProtocol && formatVersion(rpcProtocol),
  };
  await writeInstallation(install, installation);
  return installation;
}

function reportDownload(
  packages: readonly DebPackage[],
  onProgress: (progress: InstallProgress) => void,
): (started: DebPackage) => void {
  const totalBytes = packages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let index = 0;
  let doneBytes = 0;
  return ({ name, sizeBytes }) => {
    index++;
    onProgress({ stage: "download", name, index, packageCount: packages.length, doneBytes, totalBytes });
    doneBytes += sizeBytes;
  };
}

async function unpack(
  file: string,
  root: string,
  { dpkgDeb }: DebianHost,
  options: { env: Record<string, string>; timeoutMs: number; signal: AbortSignal | undefined },
): Promise<void> {
  const result = await run(dpkgDeb, ["--extract", file, root], options);
  if (result.code === 0 && !result.timedOut) return;
  const failure = describeFailure(result, options.timeoutMs);
  throw new GatewayError(
    "upstream_failed",
    `Cannot unpack ${file}: dpkg-deb ${failure}; run the setup again`,
  );
}

function describeInstallation(
  { mirror, architecture }: DebianHost,
  suite: string,
  version: string,
  packages: readonly DebPackage[],
): Installation {
  return {
    schema: 1,
    suite,
    mirror,
    architecture,
    version,
    packages: Object.fromEntries(packages.map(({ name, version }) => [name, version])),
    createdAt: new Date().toISOString(),
  };
}
