import { join, resolve } from "node:path";
import type { Environment } from "../config/environment.ts";
import { GatewayError } from "../errors.ts";
import { directoriesOf, findOnPath, isExecutable } from "../process/executable.ts";
import { defaultPrefix, SYSTEM_PREFIX } from "./installation.ts";

/** Which rule led to a program. */
export type FoundBy = "config" | "prefix" | "path" | "libexec" | "convention";

/** A program, or the sentence to print when somebody needs it. */
export type Program =
  | { readonly found: true; readonly path: string; readonly foundBy: FoundBy }
  | { readonly found: false; readonly because: string };

/** The two llama.cpp programs that sharding needs. */
export interface LlamaCpp {
  /** Runs coordinators. */
  readonly llamaServer: Program;
  /** Runs rpc backends. */
  readonly rpcServer: Program;
}

/** Where {@linkcode findLlamaCpp} looks. */
export interface FindOptions {
  /** Path, or name on `PATH`, of llama-server; if it is wrong nothing else is tried. */
  llamaServer?: string | undefined;
  /** Path, or name on `PATH`, of ggml-rpc-server; if it is wrong nothing else is tried. */
  rpcServer?: string | undefined;
  /** Where `sollol setup` installed. Default {@linkcode defaultPrefix}. */
  prefix?: string | undefined;
  /** `PATH`, and what {@linkcode defaultPrefix} reads. */
  env: Environment;
  /** What stands before the fixed places such as `/usr/local/bin`; a chroot or a test's directory. */
  root?: string;
}

/** What the rpc server is called: the first since b9824, the second before, the third by some packagers. */
export const RPC_SERVER_NAMES = ["ggml-rpc-server", "rpc-server", "llama-rpc-server"] as const;

interface Wanted {
  /** Newest name first. */
  names: readonly string[];
  /** The key of the configuration that names its path. */
  key: string;
}

const LLAMA_SERVER: Wanted = { names: ["llama-server"], key: "llama_cpp.llama_server" };
const RPC_SERVER: Wanted = { names: RPC_SERVER_NAMES, key: "llama_cpp.rpc_server" };

/**
 * Looks for llama-server and ggml-rpc-server: the configured path, our own prefix, the host's, `PATH`, where Debian
 * puts the rpc server, and where people install llama.cpp by hand. A program that is missing is told,
 * not thrown: a gateway without it still serves whole models.
 */
export async function findLlamaCpp(options: FindOptions): Promise<LlamaCpp> {
  const [llamaServer, rpcServer] = await Promise.all([
    findProgram(LLAMA_SERVER, options.llamaServer, options),
    findProgram(RPC_SERVER, options.rpcServer, options),
  ]);
  return { llamaServer, rpcServer };
}

/**
 * The path of a program that is needed now.
 *
 * @throws {GatewayError} `backend_unreachable` with the places that were looked at and the cure. Not
 * `no_capacity`: a client that retries will not find it either.
 */
export function requireProgram(program: Program): string {
  if (program.found) return program.path;
  throw new GatewayError("backend_unreachable", program.because);
}

async function findProgram(
  wanted: Wanted,
  configured: string | undefined,
  options: FindOptions,
): Promise<Program> {
  if (configured) return await findConfigured(wanted, configured, options.env);
  const places = placesFor(options);
  for (const { foundBy, directory } of places) {
    for (const name of wanted.names) {
      const path = join(directory, name);
      if (await isExecutable(path)) return { found: true, path, foundBy };
    }
  }
  const looked = [...new Set(places.map(({ directory }) => directory))].join(", ");
  const name = wanted.names[0];
  return {
    found: false,
    because: `${name} was not found (looked in ${looked}); run "sollol setup" or set ${wanted.key}`,
  };
}

async function findConfigured(
  { names, key }: Wanted,
  configured: string,
  env: Environment,
): Promise<Program> {
  const path = configured.includes("/") ? resolve(configured) : await findOnPath(configured, env.PATH);
  if (path && await isExecutable(path)) return { found: true, path, foundBy: "config" };
  const trouble = path && await exists(path) ? "is not an executable file" : "does not exist";
  return {
    found: false,
    because: `${names[0]} cannot be used: ${key} is "${configured}", which ${trouble}; ` +
      `correct it, or remove it to have ${names[0]} looked for`,
  };
}

function placesFor({ prefix, env, root = "/" }: FindOptions): { foundBy: FoundBy; directory: string }[] {
  const libexec = `usr/libexec/${Deno.build.arch}-linux-gnu/llama/bin`;
  return [
    { foundBy: "prefix", directory: join(prefix ?? defaultPrefix(env), "bin") },
    { foundBy: "prefix", directory: join(root, SYSTEM_PREFIX, "bin") },
    ...directoriesOf(env.PATH).map((directory) => ({ foundBy: "path" as const, directory })),
    { foundBy: "libexec", directory: join(root, libexec) },
    { foundBy: "convention", directory: join(root, "usr/local/bin") },
    { foundBy: "convention", directory: join(root, "opt/llama.cpp/bin") },
  ];
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
