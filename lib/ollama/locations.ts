import { posix, win32 } from "node:path";
import type { Environment } from "../config/environment.ts";
import { messageOf } from "../errors.ts";
import { readEntry } from "./store_file.ts";

/** A directory, and why it is named. */
export interface ModelRoot {
  /** Holds `manifests/` and `blobs/`. */
  readonly path: string;
  /** Which setting or kind of installation puts models there; of an unreadable one, what is in the way. */
  readonly because: string;
}

/** Where Ollama keeps its models on this machine. */
export interface ModelRoots {
  /** In the order in which they should be searched. */
  readonly roots: readonly ModelRoot[];
  /** Places that may hold models but that this user cannot look at, with the cure. */
  readonly unreadable: readonly ModelRoot[];
}

/** The machine to look at; all of it is given, so that a test can invent one. */
export interface Machine {
  /** Environment of this process. */
  readonly env: Environment;
  /** Home directory of this user; undefined if there is none. */
  readonly home: string | undefined;
  /** As in `Deno.build.os`. */
  readonly platform: string;
  /** What a path leads to; undefined if nothing. Rejects if it cannot be said. Default: the disk. */
  readonly readEntry?: (path: string) => Promise<{ readonly type: string } | undefined>;
}

/** The machine that this process runs on. */
export function thisMachine(env: Environment): Machine {
  const platform = Deno.build.os;
  return { env, home: platform === "windows" ? env["USERPROFILE"] : env["HOME"], platform };
}

/**
 * Finds where Ollama keeps models: at `OLLAMA_MODELS` if that is set, present or not, and nowhere else; otherwise
 * at each place where some kind of installation puts them and where `manifests/` and `blobs/` are. Creates nothing.
 */
export async function findModelRoots(machine: Machine): Promise<ModelRoots> {
  const configured = modelsVariable(machine.env["OLLAMA_MODELS"] ?? "");
  if (configured !== "") {
    return { roots: [{ path: configured, because: "OLLAMA_MODELS is set" }], unreadable: [] };
  }
  const roots: ModelRoot[] = [];
  const unreadable: ModelRoot[] = [];
  for (const candidate of candidates(machine)) {
    try {
      if (await isStore(candidate.path, machine)) roots.push(candidate);
    } catch (error) {
      unreadable.push({ path: candidate.path, because: `${candidate.because}: ${messageOf(error)}` });
    }
  }
  return { roots, unreadable };
}

/** As Ollama reads it: spaces around it go, then quotes; `~` and `$HOME` inside mean nothing. */
function modelsVariable(value: string): string {
  return value.trim().replace(/^["']+|["']+$/g, "");
}

async function isStore(path: string, machine: Machine): Promise<boolean> {
  const { join } = pathsOf(machine);
  const read = machine.readEntry ?? readEntry;
  return (await read(join(path, "manifests")))?.type === "directory" &&
    (await read(join(path, "blobs")))?.type === "directory";
}

function candidates(machine: Machine): ModelRoot[] {
  const { home, platform } = machine;
  const inHome = home ? HOME_PLACES : [];
  const places = [
    ...platform === "linux" ? SYSTEM_PLACES : [],
    ...inHome
      .filter(({ onlyOnLinux }) => platform === "linux" || !onlyOnLinux)
      .map(({ path, because }) => ({ path: pathsOf(machine).join(home!, path), because })),
  ];
  return places.filter(({ path }, index) => places.findIndex((place) => place.path === path) === index);
}

function pathsOf({ platform }: Machine): typeof posix {
  return platform === "windows" ? win32 : posix;
}

const SYSTEM_PLACES: readonly ModelRoot[] = [
  { path: "/usr/share/ollama/.ollama/models", because: "the service that Ollama's install script sets up" },
  { path: "/var/lib/ollama", because: "the package of Arch Linux" },
  { path: "/var/lib/ollama/models", because: "the module of NixOS" },
  { path: "/var/lib/ollama/.ollama/models", because: "packages that give the service user this home" },
  { path: "/var/snap/ollama/common/models", because: "the snap" },
  { path: "/var/lib/docker/volumes/ollama/_data/models", because: 'the Docker volume "ollama"' },
];

const HOME_PLACES: readonly (ModelRoot & { onlyOnLinux?: true })[] = [
  { path: ".ollama/models", because: "Ollama run by this user" },
  {
    path: ".local/share/docker/volumes/ollama/_data/models",
    because: 'the rootless Docker volume "ollama"',
    onlyOnLinux: true,
  },
  {
    path: ".local/share/containers/storage/volumes/ollama/_data/models",
    because: 'the Podman volume "ollama"',
    onlyOnLinux: true,
  },
  {
    path: ".var/app/com.jeffser.Alpaca/data/.ollama/models",
    because: "the Alpaca flatpak",
    onlyOnLinux: true,
  },
];
