import { join } from "node:path";

/** How the fake's apt-get misbehaves. */
export type Misbehaviour =
  | "update fails"
  | "update hangs"
  | "prints garbage"
  | "disk is full"
  | "no rpc backend";

const LIBRARIES = "usr/lib/x86_64-linux-gnu";
const LIBEXEC = "usr/libexec/x86_64-linux-gnu/llama/bin";

/** The one package that the fake archive has: shell scripts where the real one has programs. */
const PACKAGE_FILES: Readonly<Record<string, string>> = {
  // called as: ld.so --library-path DIRECTORIES --argv0 NAME PROGRAM ARGUMENT…
  [`${LIBRARIES}/ld-linux-x86-64.so.2`]: `#!/bin/sh\nshift 4\nexec "$@"\n`,
  [`${LIBRARIES}/ggml/backends0/libggml-rpc.so`]: "",
  [`${LIBEXEC}/ggml-rpc-server`]: `#!/bin/sh
[ "$1" = --help ] && { echo "  -p, --port PORT  port to bind to" >&2; exit; }
echo "$$" >"$0.pid"
echo "Starting RPC server v8.0.0" >&2
exec sleep 300
`,
  "usr/bin/llama-server": `#!/bin/sh
case $1 in
--version) echo "version: 0.7.0 (build 11669, commit Debian)" >&2 ;;
--help) echo "--rpc SERVERS  comma-separated list" ;;
esac
`,
};

const DEBS = ["llama.cpp-tools", "llama.cpp-tools-extra", "libggml0-backend-rpc"];

const PROGRAMS: Readonly<Record<string, string>> = {
  dpkg: "#!/bin/sh\necho amd64\n",
  "dpkg-deb": `#!/bin/sh\nmkdir -p "$3" && exec tar -xf "$2" -C "$3"\n`,
  "apt-get": `#!/bin/sh
here=$(dirname "$0")
misbehaviour=$(cat "$here/misbehaviour")
echo "$*" >>"$here/calls"
case "$misbehaviour $*" in
"prints garbage "*) head -c 100000 /dev/urandom; exit 0 ;;
"update fails "*update*) echo "W: x" >&2; echo "E: Failed to fetch http://127.0.0.1/debian Connection refused" >&2; exit 100 ;;
"update hangs "*update*) sleep 300 & echo $$ $! >"$here/pids"; wait ;;
"disk is full "*update*) echo "E: Write error - write (28: No space left on device)" >&2; exit 100 ;;
*indextargets*) printf 'http://127.0.0.1/debian\\tDebian\\n' ;;
*update*) sleep 0.05 ;;
*print-uris*) for deb in ${
    DEBS.join(" ")
  }; do echo "'http://127.0.0.1/x' \${deb}_1%3a0.7.0_amd64.deb 1000 SHA256:0"; done ;;
*download*) for deb in ${DEBS.join(" ")}; do
	echo "Get:1 http://127.0.0.1/debian forky/main amd64 $deb amd64 1:0.7.0 [1000 B]"
	cp "$here/package.deb" "\${deb}_1%3a0.7.0_amd64.deb"
done ;;
esac
`,
};

/** A Debian host of shell scripts, with an archive that answers at once or misbehaves by name. */
export class FakeDebian implements AsyncDisposable {
  private constructor(readonly directory: string) {}

  static async create(): Promise<FakeDebian> {
    const directory = await Deno.makeTempDir({ prefix: "fake_debian_" });
    const fake = new FakeDebian(directory);
    for (const [name, script] of Object.entries(PROGRAMS)) {
      await Deno.writeTextFile(join(directory, name), script, { mode: 0o755 });
    }
    await fake.behave();
    return fake;
  }

  /** The whole environment of a host whose apt this is. */
  get env(): Record<string, string> {
    return { PATH: `${this.directory}:/usr/bin:/bin` };
  }

  /** Where the host's source lists would be. */
  get sourcesDirectory(): string {
    return join(this.directory, "etc");
  }

  async behave(misbehaviour: Misbehaviour | "well" = "well"): Promise<void> {
    await Deno.writeTextFile(join(this.directory, "misbehaviour"), misbehaviour);
    await this.#pack(
      misbehaviour === "no rpc backend"
        ? { "usr/bin/llama-server": "#!/bin/sh\necho 'version: 1 (a)'\n" }
        : {},
    );
  }

  /** How often apt-get was called to do this. */
  async countCalls(command: string): Promise<number> {
    const calls = await Deno.readTextFile(join(this.directory, "calls")).catch(() => "");
    return calls.split("\n").filter((call) => call.includes(command)).length;
  }

  /** Process ids of an apt-get that hangs and of its helper; undefined before it does. */
  async hangingPids(): Promise<number[] | undefined> {
    const text = await Deno.readTextFile(join(this.directory, "pids")).catch(() => "");
    return text.endsWith("\n") ? text.trim().split(" ").map(Number) : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }

  async #pack(changes: Record<string, string>): Promise<void> {
    const root = join(this.directory, "package");
    for (const [path, text] of Object.entries({ ...PACKAGE_FILES, ...changes })) {
      await Deno.mkdir(join(root, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(root, path), text, { mode: 0o755 });
    }
    const tar = new Deno.Command("tar", {
      args: ["-cf", join(this.directory, "package.deb"), "-C", root, "."],
    });
    const { success } = await tar.output();
    if (!success) throw new Error("tar failed");
  }
}
