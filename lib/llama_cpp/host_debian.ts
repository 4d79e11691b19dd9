import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "../errors.ts";
import { findOnPath } from "../process/executable.ts";
import { run } from "../process/run.ts";
import {
  type AptSource,
  chooseDebianMirror,
  INDEX_TARGET_FORMAT,
  isMirrorUri,
  parseDeb822Sources,
  parseIndexTargets,
  parseOneLineSources,
} from "./apt_sources.ts";

const ANSWER_TIMEOUT_MS = 30_000;
const SOURCES_DIRECTORY = "/etc/apt";
const ARCHITECTURES = ["amd64", "arm64"];
/** Where Debian's `debian-archive-keyring` puts the keys; `.pgp` since Debian 13. */
const ARCHIVE_KEYRINGS = ["gpg", "pgp"].map((type) => `/usr/share/keyrings/debian-archive-keyring.${type}`);

/** How to get llama.cpp where setup cannot install it. */
export const BY_HAND: string =
  "On Debian 14 or newer: apt install llama.cpp-tools llama.cpp-tools-extra libggml0-backend-rpc. " +
  "Elsewhere build llama.cpp with -DGGML_RPC=ON and set llama_cpp.llama_server and llama_cpp.rpc_server";

/** What a Debian-like host offers to install packages with. */
export interface DebianHost {
  /** Path of apt-get. */
  readonly aptGet: string;
  /** Path of dpkg-deb. */
  readonly dpkgDeb: string;
  /** Debian's name of the architecture: `amd64` or `arm64`. */
  readonly architecture: string;
  /** Address of the archive to install from. */
  readonly mirror: string;
  /** Keyrings that may sign the mirror; empty if apt's default is all there is. */
  readonly keyrings: readonly string[];
  /** The host's own settings for downloads: proxies, IPv4 or IPv6, validity checks. Lines of an apt.conf. */
  readonly acquireSettings: readonly string[];
}

/** What {@linkcode readDebianHost} needs to know. */
export interface ReadHostOptions {
  /** The whole environment of the programs that are asked; `PATH` says where they are. */
  env: Record<string, string>;
  /** An archive to use instead of the host's own. */
  mirror?: string | undefined;
  /** Where the host's source lists are. Default `/etc/apt`. */
  sourcesDirectory?: string | undefined;
  /** Ends the programs that are asked. */
  signal?: AbortSignal | undefined;
}

/**
 * Finds out how packages can be installed on this host. The mirror is the one that the host uses.
 *
 * @throws {GatewayError} `invalid_request` if this host cannot: no apt-get, another architecture, no mirror.
 */
export async function readDebianHost(options: ReadHostOptions): Promise<DebianHost> {
  const tool = async (name: string) => (await findOnPath(name, options.env.PATH)) ?? missingTool(name);
  const [aptGet, dpkgDeb, dpkg] = [await tool("apt-get"), await tool("dpkg-deb"), await tool("dpkg")];
  const architecture = (await ask(dpkg, ["--print-architecture"], options)).trim();
  if (!ARCHITECTURES.includes(architecture)) throw unsupported(architecture);
  const source = await findMirror(aptGet, options);
  const keyrings = new Set([...ARCHIVE_KEYRINGS, ...source.signedBy]);
  return {
    aptGet,
    dpkgDeb,
    architecture,
    mirror: source.uri,
    keyrings: await onlyReadable(keyrings),
    acquireSettings: await readAcquireSettings(options),
  };
}

async function findMirror(aptGet: string, options: ReadHostOptions): Promise<AptSource> {
  const { mirror, sourcesDirectory = SOURCES_DIRECTORY } = options;
  if (mirror !== undefined && !isMirrorUri(mirror)) {
    throw new GatewayError(
      "invalid_request",
      `"${mirror}" is not the address of a Debian mirror; write for example http://HOST/debian`,
    );
  }
  const files = await readSourceFiles(sourcesDirectory);
  if (mirror !== undefined) {
    return files.find(({ uri }) => sameUri(uri, mirror)) ?? { uri: mirror, signedBy: [] };
  }
  const args = ["indextargets", "--format", INDEX_TARGET_FORMAT, "Created-By: Packages"];
  const known = chooseDebianMirror(parseIndexTargets(await ask(aptGet, args, options)));
  // a container's image often has no lists yet, so that apt knows no targets: its source files still name the mirror
  const found = files.find(({ uri }) => known && sameUri(uri, known.uri)) ?? known ??
    chooseDebianMirror(files);
  if (found) return found;
  throw new GatewayError(
    "invalid_request",
    `Cannot install llama.cpp: ${sourcesDirectory} names no mirror of Debian; name one with --mirror. ${BY_HAND}`,
  );
}

async function readSourceFiles(directory: string): Promise<AptSource[]> {
  const parts = join(directory, "sources.list.d");
  const names = await Array.fromAsync(Deno.readDir(parts), ({ name }) => name).catch(() => []);
  const paths = [join(directory, "sources.list"), ...names.sort().map((name) => join(parts, name))];
  const sources = await Promise.all(paths.map(async (path) => {
    const text = await Deno.readTextFile(path).catch(() => ""); // absent, or only for root
    if (path.endsWith(".sources")) return parseDeb822Sources(text);
    return path.endsWith(".list") ? parseOneLineSources(text) : [];
  }));
  return sources.flat();
}

/** Proxies and the like must be kept; hooks, index targets and directories of the host must not. */
async function readAcquireSettings(options: ReadHostOptions): Promise<string[]> {
  const aptConfig = await findOnPath("apt-config", options.env.PATH);
  if (!aptConfig) return [];
  const kept = /^Acquire::(https?|ForceIPv[46]|Retries|Check-Valid-Until|Check-Date)(::\S*)? ".*";$/i;
  return (await ask(aptConfig, ["dump"], options)).split("\n").filter((line) => kept.test(line));
}

/** What a program prints; empty if it fails, for each answer has a fallback or a check of its own. */
async function ask(path: string, args: string[], { env, signal }: ReadHostOptions): Promise<string> {
  const result = await run(path, args, { env, signal, timeoutMs: ANSWER_TIMEOUT_MS });
  return result.code === 0 ? result.stdout : "";
}

async function onlyReadable(paths: Iterable<string>): Promise<string[]> {
  const readable: string[] = [];
  for (const path of paths) {
    if (await access(path, constants.R_OK).then(() => true, () => false)) readable.push(path);
  }
  return readable;
}

function sameUri(one: string, other: string): boolean {
  return one.replace(/\/$/, "") === other.replace(/\/$/, "");
}

function missingTool(name: string): never {
  throw new GatewayError(
    "invalid_request",
    `Cannot install llama.cpp: this host has no ${name}, so it is no Debian or Ubuntu. ${BY_HAND}`,
  );
}

function unsupported(architecture: string): GatewayError {
  return new GatewayError(
    "invalid_request",
    `Cannot install llama.cpp: Debian has it for ${ARCHITECTURES.join(" and ")}, ` +
      `this host is ${architecture || "of unknown architecture"}. ${BY_HAND}`,
  );
}
