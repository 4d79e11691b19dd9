import { join } from "node:path";
import { type ErrorCode, GatewayError } from "../errors.ts";
import { describeFailure, run, type RunOptions } from "../process/run.ts";
import type { DebianHost } from "./host_debian.ts";

/**
 * Packages that only maintainer scripts need. They are pretended to be installed, or apt would pull
 * their dependencies as well (wget, then gnutls, …); nothing that is unpacked links against them.
 */
const PRETENDED = ["wget", "curl", "debconf", "debconf-2.0", "openssl-provider-legacy"];
/** Dependencies that hold no file the programs open; their names change with each gcc. */
const UNNEEDED = /^(gcc-\d+-base|libc-gconv-modules-extra)$/;

/** A package that is to be fetched. */
export interface DebPackage {
  /** Debian's name, such as `llama.cpp-tools`. */
  readonly name: string;
  /** Debian's version, epoch included, such as `1:0.7.0+dfsg-2`. */
  readonly version: string;
  /** Of the `.deb` file. */
  readonly sizeBytes: number;
}

/** What a {@linkcode PrivateApt} works with. */
export interface PrivateAptOptions {
  /** Whose apt-get, mirror and keyrings are used. */
  host: DebianHost;
  /** Debian suite, such as `forky`. */
  suite: string;
  /** A directory of its own, absolute: lists, cache and settings go there and nowhere else. */
  directory: string;
  /** The whole environment of the programs it runs. */
  env: Record<string, string>;
  /** How long one apt command may take. */
  timeoutMs: number;
  /** Ends the command that is running. */
  signal?: AbortSignal | undefined;
}

/**
 * An apt that knows one suite of one mirror and no installed packages, and that leaves the host's own
 * apt untouched: its lists, cache, state, settings and hooks are not read or written. Needs no root.
 */
export class PrivateApt {
  private constructor(private readonly options: PrivateAptOptions) {}

  /** Makes the directory and writes its settings. */
  static async create(options: PrivateAptOptions): Promise<PrivateApt> {
    const { directory } = options;
    for (const folder of ["lists/partial", "cache/archives/partial", "debs"]) {
      await Deno.mkdir(join(directory, folder), { recursive: true });
    }
    await Deno.writeTextFile(join(directory, "sources.list"), renderSource(options));
    await Deno.writeTextFile(join(directory, "status"), PRETENDED.map(renderPretended).join("\n"));
    await Deno.writeTextFile(join(directory, "apt.conf"), renderSettings(options));
    return new PrivateApt(options);
  }

  /** Fetches the suite's package lists, about 10 MB; apt checks their signature. */
  async update(): Promise<void> {
    // without the error mode apt takes a mirror that does not answer for success
    await this.#apt(["update", "-o", "APT::Update::Error-Mode=any"]);
  }

  /** The packages that the named ones need, themselves included, and would not find on an empty host. */
  async resolve(names: readonly string[]): Promise<DebPackage[]> {
    const output = await this.#apt(["install", "-q=2", "--print-uris", ...names]);
    const packages = parsePrintedUris(output).filter(({ name }) => !UNNEEDED.test(name));
    const missing = names.filter((name) => packages.every((found) => found.name !== name));
    if (missing.length === 0) return packages;
    throw this.#failure("install", `it does not know how to fetch ${missing.join(" and ")}`);
  }

  /**
   * Fetches packages; apt checks their hashes.
   *
   * @param onStart Called as the fetching of each package begins.
   * @returns Paths of the `.deb` files.
   */
  async download(packages: readonly DebPackage[], onStart: (started: DebPackage) => void): Promise<string[]> {
    const folder = join(this.options.directory, "debs");
    const onLine = (line: string) => {
      const name = /^Get:\d+ \S+ \S+ \S+ (\S+) /.exec(line)?.[1]; // Get:1 MIRROR SUITE/main amd64 NAME amd64 VERSION
      const started = packages.find((candidate) => candidate.name === name);
      if (started) onStart(started);
    };
    const wanted = packages.map(({ name, version }) => `${name}=${version}`);
    await this.#apt(["download", ...wanted], { cwd: folder, onLine });
    const files = await Array.fromAsync(Deno.readDir(folder), (entry) => join(folder, entry.name));
    const debs = files.filter((file) => file.endsWith(".deb"));
    if (debs.length === packages.length) return debs.sort();
    throw this.#failure("download", `${debs.length} of ${packages.length} packages are there`);
  }

  async #apt(args: string[], watch: Pick<RunOptions, "cwd" | "onLine"> = {}): Promise<string> {
    const { host, directory, timeoutMs, signal } = this.options;
    const result = await run(host.aptGet, ["-q", "-y", ...args], {
      cwd: directory,
      ...watch,
      env: {
        ...this.options.env,
        APT_CONFIG: join(directory, "apt.conf"),
        DEBIAN_FRONTEND: "noninteractive",
        LC_ALL: "C",
      },
      signal,
      timeoutMs,
    });
    if (result.code === 0 && !result.timedOut) return result.stdout;
    const said = result.stderr.trim().split("\n").slice(-4).map((line) => line.trim()).join(" | ");
    const reason = result.timedOut || result.signal || !said ? describeFailure(result, timeoutMs) : said;
    throw this.#failure(args[0]!, reason, result.timedOut ? "upstream_timeout" : "upstream_failed");
  }

  #failure(command: string, reason: string, code: ErrorCode = "upstream_failed"): GatewayError {
    const { host: { mirror }, suite } = this.options;
    const cure = /NO_PUBKEY|is not signed|public key/i.test(reason)
      ? "apt install debian-archive-keyring, or name another mirror with --mirror"
      : "check the network, or name another mirror with --mirror";
    const what = `Cannot install llama.cpp: "apt-get ${command}" with ${mirror} (suite ${suite}) failed`;
    return new GatewayError(code, `${what}: ${reason}; ${cure}`);
  }
}

/**
 * Reads what `apt-get --print-uris install` prints: `'URI' NAME_VERSION_ARCH.deb BYTES HASH` a line.
 * Colons in versions are written as `%3a` in file names.
 */
export function parsePrintedUris(output: string): DebPackage[] {
  return [...output.matchAll(/^'\S+' ([^_\s]+)_([^_\s]+)_\w+\.deb (\d+) /gm)].map((
    [, name, version, size],
  ) => ({
    name: name!,
    version: version!.replaceAll(/%3a/gi, ":"),
    sizeBytes: Number(size),
  }));
}

function renderSource({ host, suite }: PrivateAptOptions): string {
  const signedBy = host.keyrings.length > 0 ? ` [signed-by=${host.keyrings.join(",")}]` : "";
  return `deb${signedBy} ${host.mirror} ${suite} main\n`;
}

function renderPretended(name: string): string {
  return `Package: ${name}\nStatus: install ok installed\nArchitecture: all\nMulti-Arch: foreign\n` +
    "Version: 9999\nMaintainer: nobody\nDescription: pretended\n";
}

function renderSettings({ directory, host }: PrivateAptOptions): string {
  const settings = {
    "Dir::Etc::main": "/dev/null", // the host's settings bring hooks that write to its own cache
    "Dir::Etc::parts": "/dev/null",
    "Dir::Etc::sourcelist": join(directory, "sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "Dir::State::lists": join(directory, "lists"),
    "Dir::State::status": join(directory, "status"),
    "Dir::State::extended_states": join(directory, "extended_states"),
    "Dir::Cache": join(directory, "cache"),
    "Dir::Cache::srcpkgcache": "", // 47 MB that only a second run would use
    "APT::Architecture": host.architecture,
    "APT::Install-Recommends": "false",
    "APT::Sandbox::User": "root", // as root apt would become _apt, who cannot write below the prefix
    "Acquire::Languages": "none",
    "Acquire::Retries": "3",
    "Acquire::http::Timeout": "30",
    "Acquire::https::Timeout": "30",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";`);
  return [...lines, `APT::Architectures { "${host.architecture}"; };`, ...host.acquireSettings, ""].join(
    "\n",
  );
}
