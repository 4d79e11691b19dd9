import { join } from "node:path";
import { GatewayError } from "../errors.ts";
import { RPC_SERVER_NAMES } from "./find.ts";

/** How the packages of one architecture are laid out. */
interface Layout {
  /** Directory of the architecture's libraries below `usr/lib`. */
  triplet: string;
  /** File name of the dynamic loader. */
  loader: string;
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  amd64: { triplet: "x86_64-linux-gnu", loader: "ld-linux-x86-64.so.2" },
  arm64: { triplet: "aarch64-linux-gnu", loader: "ld-linux-aarch64.so.1" },
};

/**
 * Makes the unpacked programs in `INSTALL/root` runnable as `INSTALL/bin/NAME`: all `llama-*` programs,
 * and the rpc server under the name `ggml-rpc-server` whatever the packages call it.
 *
 * @throws {GatewayError} `upstream_failed` if the packages hold no loader, rpc backend or rpc server.
 */
export async function writeWrappers(install: string, architecture: string): Promise<void> {
  const { triplet, loader } = LAYOUTS[architecture]!;
  const libraries = `root/usr/lib/${triplet}`;
  if (!(await exists(join(install, libraries, loader)))) throw missing(loader);
  const backends = await findBackends(install, libraries);
  // ggml looks for its backends in a compiled-in place of the host and beside /proc/self/exe, and that is the loader
  await Deno.copyFile(join(install, libraries, loader), join(install, backends, loader));
  const write = async (name: string, program: string) => {
    const libraryPath = [libraries, `${libraries}/llama`, backends];
    const script = renderWrapper({ name, program, loader: `${backends}/${loader}`, libraryPath });
    await Deno.writeTextFile(join(install, "bin", name), script, { mode: 0o755 });
  };
  await Deno.mkdir(join(install, "bin"));
  await write("ggml-rpc-server", await findRpcServer(install, triplet));
  for await (const { name } of Deno.readDir(join(install, "root/usr/bin"))) {
    if (name.startsWith("llama-")) await write(name, `root/usr/bin/${name}`);
  }
}

/** What a wrapper starts; all paths are relative to the directory that holds its `bin`. */
export interface WrappedProgram {
  /** What the process calls itself. */
  name: string;
  /** The real executable. */
  program: string;
  /** The dynamic loader that it was linked for. */
  loader: string;
  /** Directories of its libraries, first choice first. */
  libraryPath: readonly string[];
}

/**
 * The script that runs a program by the loader it was linked for, so that the host's older libc does
 * not matter. It finds its files beside itself: the directory may be moved. It ends in `exec`: the
 * process is the program, with the caller's pid and ignored signals. `--argv0` puts the name into
 * the process list, where the executable is the loader.
 */
export function renderWrapper({ name, program, loader, libraryPath }: WrappedProgram): string {
  const libraries = libraryPath.map((directory) => `$install/${directory}`).join(":");
  return [
    "#!/bin/sh",
    `self=$(readlink -f "$0")`,
    "install=${self%/bin/*}",
    `exec "$install/${loader}" --library-path "${libraries}" --argv0 ${name} "$install/${program}" "$@"`,
    "",
  ].join("\n");
}

/** Debian numbers the directory of ggml's backends by their ABI: `ggml/backends0`. */
async function findBackends(install: string, libraries: string): Promise<string> {
  const folders = await Array.fromAsync(Deno.readDir(join(install, libraries, "ggml"))).catch(() => []);
  for (const { name } of folders) {
    if (await exists(join(install, libraries, "ggml", name, "libggml-rpc.so"))) {
      return `${libraries}/ggml/${name}`;
    }
  }
  throw missing("libggml-rpc.so");
}

async function findRpcServer(install: string, triplet: string): Promise<string> {
  for (const directory of [`root/usr/libexec/${triplet}/llama/bin`, "root/usr/bin"]) {
    for (const name of RPC_SERVER_NAMES) {
      if (await exists(join(install, directory, name))) return `${directory}/${name}`;
    }
  }
  throw missing(RPC_SERVER_NAMES[0]);
}

function missing(file: string): GatewayError {
  return new GatewayError(
    "upstream_failed",
    `Cannot install llama.cpp: the packages of this suite hold no ${file}; choose another with --suite`,
  );
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
