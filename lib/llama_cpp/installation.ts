import { join } from "node:path";
import * as z from "zod";
import type { Environment } from "../config/environment.ts";

/** What `sollol setup` writes into its prefix, so that anybody can tell what is installed there. */
export interface Installation {
  /** Goes up when a field changes its meaning. */
  readonly schema: 1;
  /** Debian suite that the packages came from, such as `forky`. */
  readonly suite: string;
  /** Address of the archive that they came from. */
  readonly mirror: string;
  /** Debian's name of the architecture, such as `amd64`. */
  readonly architecture: string;
  /** What `llama-server --version` printed, such as `0.7.0 (build 11669, commit Debian)`. */
  readonly version: string;
  /**
   * Version of the rpc protocol that both programs speak, such as `8.0.0`. Records of earlier versions of sollol have
   * none; they are still valid.
   */
  readonly rpcProtocol?: string | undefined;
  /** Debian version by package name. */
  readonly packages: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly createdAt: string;
}

const RECORD: z.ZodType<Installation> = z.object({
  schema: z.literal(1),
  suite: z.string(),
  mirror: z.string(),
  architecture: z.string(),
  version: z.string(),
  rpcProtocol: z.string().regex(/^\d{1,2}\.\d{1,2}\.\d{1,2}$/).optional().catch(undefined),
  packages: z.record(z.string(), z.string()),
  createdAt: z.string(),
});

/** Name of the record in a prefix. */
export const INSTALLATION_FILE = "sollol.json";

/** The record in a prefix; undefined if there is none that this version of sollol understands. */
export async function readInstallation(prefix: string): Promise<Installation | undefined> {
  try {
    return RECORD.parse(JSON.parse(await Deno.readTextFile(join(prefix, INSTALLATION_FILE))));
  } catch { // absent, unreadable or of another schema: setup makes a new one
    return undefined;
  }
}

/** Writes the record of an installation into its directory, in one step: others may be reading it. */
export async function writeInstallation(directory: string, installation: Installation): Promise<void> {
  const fresh = join(directory, `.${INSTALLATION_FILE}.new`);
  await Deno.writeTextFile(fresh, `${JSON.stringify(installation, null, 2)}\n`);
  await Deno.rename(fresh, join(directory, INSTALLATION_FILE));
}

/** Where `sollol setup --system` installs, for all users and services of the host. */
export const SYSTEM_PREFIX = "/opt/sollol/llama.cpp";

/**
 * Where `sollol setup` installs unless told otherwise: below the service's state directory under
 * systemd, else in the user's data directory.
 *
 * @see https://specifications.freedesktop.org/basedir-spec/latest/ (relative paths are to be ignored)
 */
export function defaultPrefix(env: Environment): string {
  const state = env.STATE_DIRECTORY?.split(":")[0]; // systemd joins several by colons; it is sollol's own already
  if (state) return join(state, "llama.cpp");
  if (env.XDG_DATA_HOME?.startsWith("/")) return join(env.XDG_DATA_HOME, "sollol/llama.cpp");
  if (env.HOME?.startsWith("/")) return join(env.HOME, ".local/share/sollol/llama.cpp");
  return "/var/lib/sollol/llama.cpp";
}
