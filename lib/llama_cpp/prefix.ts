import { join } from "node:path";
import { GatewayError } from "../errors.ts";
import { run } from "../process/run.ts";
import { INSTALLATION_FILE } from "./installation.ts";

/*
 * PREFIX/
 *   .lock                               held while somebody installs
 *   install-1a2b3c4d/{bin,root,sollol.json}
 *   current     -> install-1a2b3c4d     the one link that an installation moves
 *   bin         -> current/bin
 *   sollol.json -> current/sollol.json
 */
const LINKS = { bin: "current/bin", [INSTALLATION_FILE]: `current/${INSTALLATION_FILE}` } as const;
const INSTALL_NAME = /^install-[0-9a-f]{8}$/;

/** Paths of the two programs that sharding needs. */
export interface Programs {
  /** Runs coordinators. */
  readonly llamaServer: string;
  /** Runs rpc backends. */
  readonly rpcServer: string;
}

/** Where the programs are in a prefix, or in one of its installs. */
export function programsIn(prefix: string): Programs {
  return { llamaServer: join(prefix, "bin/llama-server"), rpcServer: join(prefix, "bin/ggml-rpc-server") };
}

/**
 * Makes a prefix unless it is there.
 *
 * @throws {GatewayError} `conflict` if the directory belongs to something else, such as `/usr/local`.
 */
export async function preparePrefix(prefix: string): Promise<void> {
  await Deno.mkdir(prefix, { recursive: true });
  for await (const entry of Deno.readDir(prefix)) {
    if (isOurs(entry)) continue;
    throw new GatewayError(
      "conflict",
      `Cannot install into "${prefix}": its "${entry.name}" is not from sollol setup; ` +
        "choose an empty directory with --prefix",
    );
  }
}

/**
 * Makes an empty directory for one installation; nobody sees it before {@linkcode activate}.
 *
 * @throws {GatewayError} `invalid_request` if programs cannot be executed there.
 */
export async function createInstall(prefix: string): Promise<string> {
  const install = join(prefix, `install-${crypto.randomUUID().slice(0, 8)}`);
  await Deno.mkdir(install);
  // the shell writes the probe itself: a file that our threads have open cannot be executed (ETXTBSY)
  const script = `printf '#!/bin/sh\\n' >"$1" && chmod 700 "$1" && { "$1"; code=$?; rm "$1"; exit $code; }`;
  const probe = await run("/bin/sh", ["-c", script, "sh", join(install, "probe")], { timeoutMs: 10_000 });
  if (probe.code !== 126) return install;
  await Deno.remove(install, { recursive: true });
  throw new GatewayError(
    "invalid_request",
    `Cannot install into "${prefix}": programs may not be executed there (mounted noexec?); choose another with --prefix`,
  );
}

/** Makes an install the one that `PREFIX/bin` shows, in one step. */
export async function activate(prefix: string, installName: string): Promise<void> {
  for (const [name, target] of Object.entries(LINKS)) await link(prefix, name, target);
  await link(prefix, "current", installName);
}

/** Removes installs that are not active: replaced ones, and those of setups that were killed. */
export async function removeUnused(prefix: string): Promise<void> {
  const active = await Deno.readLink(join(prefix, "current")).catch(() => undefined);
  for await (const { name } of Deno.readDir(prefix)) {
    if (!INSTALL_NAME.test(name) || name === active) continue;
    await Deno.remove(join(prefix, name), { recursive: true });
  }
}

/** A prefix such as `/` or `~` would lose its own `bin` to our link. */
function isOurs({ name, isSymlink, isDirectory }: Deno.DirEntry): boolean {
  if (name === "current" || name in LINKS) return isSymlink;
  return name === ".lock" || /^\..*\.new$/.test(name) || (isDirectory && INSTALL_NAME.test(name));
}

/** Renaming replaces a link in one step; making one where one is does not work. */
async function link(prefix: string, name: string, target: string): Promise<void> {
  const fresh = join(prefix, `.${name}.new`);
  await Deno.remove(fresh).catch(() => {}); // of a setup that was killed
  await Deno.symlink(target, fresh);
  await Deno.rename(fresh, join(prefix, name));
}
