import { checkPrograms } from "../llama_cpp/check_programs.ts";
import type { LlamaCpp, Program } from "../llama_cpp/find.ts";
import { readLlamaVersion, readRpcServerVersion } from "../llama_cpp/read_version.ts";
import type { LlamaVersion, VersionReading } from "../llama_cpp/version.ts";
import { formatVersion, type ProtocolVersion } from "../rpc/protocol.ts";
import { fail, type Finding, ok, skip, splitCure, warn } from "./finding.ts";

/** What a program of llama.cpp answers; injected, so that a test needs none. */
export interface LlamaPrograms {
  /** Asks `llama-server --version`. */
  readonly readVersion: (path: string, options: { signal: AbortSignal }) => Promise<VersionReading>;
  /** Finds out the build of an rpc server. */
  readonly readRpcServerVersion: (path: string, options: { signal: AbortSignal }) => Promise<VersionReading>;
  /** Starts both with `--help`. */
  readonly check: (
    programs: { llamaServer: string; rpcServer: string },
    options: { signal: AbortSignal },
  ) => Promise<VersionReading>;
}

/** Those of this host. */
export const REAL_PROGRAMS: LlamaPrograms = {
  readVersion: readLlamaVersion,
  readRpcServerVersion,
  check: checkPrograms,
};

const SETUP = "sollol setup";

/** What is needed of llama.cpp here. */
export interface LlamaCppNeed {
  /** Whether models are spread over rpc backends. */
  readonly isShardingEnabled: boolean;
  /** Whether there is a backend to spread them over. */
  readonly hasBackends: boolean;
}

/** Whether there is a llama-server that runs; it coordinates models that are spread. */
export async function examineLlamaServer(
  program: Program,
  need: LlamaCppNeed,
  { programs, signal }: { readonly programs: LlamaPrograms; readonly signal: AbortSignal },
): Promise<Finding> {
  if (!need.isShardingEnabled) return skip("models are not spread here (model_sharding_enabled)");
  if (!program.found) {
    const { seen, cure } = splitCure(program.because, SETUP);
    // without backends it may never be asked for: whole models go to Ollama nodes
    return need.hasBackends || /cannot be used/.test(seen) ? fail(seen, cure) : warn(seen, cure);
  }
  const { path, foundBy } = program;
  const reading = await programs.readVersion(path, { signal });
  if (!reading.ok) return fail(reading.because, repairFor(program));
  return ok(`${path}, ${reading.version.text}`, { path, foundBy, ...versionFigures(reading.version) });
}

/** Whether there is an rpc server that runs, of the same build as llama-server, and whether that can use one. */
export async function examineRpcServer(
  { llamaServer, rpcServer }: LlamaCpp,
  need: LlamaCppNeed,
  { programs, protocol, signal }: {
    readonly programs: LlamaPrograms;
    readonly protocol: ProtocolVersion | undefined;
    readonly signal: AbortSignal;
  },
): Promise<Finding> {
  if (!need.isShardingEnabled) return skip("models are not spread here (model_sharding_enabled)");
  if (!rpcServer.found) {
    const { seen, cure } = splitCure(rpcServer.because, SETUP);
    return /cannot be used/.test(seen) ? fail(seen, cure) : warn(seen, cure);
  }
  if (!llamaServer.found) return skip("there is no llama-server to use it");
  const [own, theirs] = await Promise.all([
    programs.check({ llamaServer: llamaServer.path, rpcServer: rpcServer.path }, { signal }),
    programs.readRpcServerVersion(rpcServer.path, { signal }),
  ]);
  if (!own.ok) {
    const isOfLlamaServer = own.because.includes(llamaServer.path) && !own.because.includes("--rpc");
    if (isOfLlamaServer) return skip("llama-server does not run");
    return fail(own.because, repairFor(rpcServer));
  }
  const figures = { path: rpcServer.path, protocol: protocol && formatVersion(protocol) };
  if (!theirs.ok) return warn(theirs.because, `install both of one build: ${SETUP}`, figures);
  const builds = [own.version, theirs.version].map(({ build, text }) =>
    build === undefined ? text : `b${build}`
  );
  if (builds[0] !== builds[1]) {
    return fail(
      `${rpcServer.path} is of build ${builds[1]}, llama-server of ${
        builds[0]
      }: one may not understand the other`,
      `install both of one build: ${SETUP}`,
      figures,
    );
  }
  const speaks = protocol === undefined ? "" : `, rpc protocol ${formatVersion(protocol)}`;
  return ok(`${rpcServer.path}, ${builds[1]}${speaks}`, figures);
}

function repairFor({ foundBy }: { readonly foundBy: string }): string {
  return foundBy === "prefix"
    ? `install it anew: ${SETUP} --force`
    : `install its libraries (\`ldd\` tells which are missing), or run ${SETUP} and leave llama_cpp unset`;
}

function versionFigures({ text, build, commit }: LlamaVersion) {
  return { version: text, build, commit };
}
