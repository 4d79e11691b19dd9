import { join } from "node:path";
import { ggufBytes } from "../../fixtures/ollama_store.ts";
import { FakeRpcBackend, type FakeRpcBackendOptions } from "../../fakes/fake_rpc_backend.ts";
import { freePort } from "../../fixtures/free_port.ts";
import { MIB } from "../../../lib/units.ts";
import { FakeGateway } from "./fake_gateway.ts";
import { fakeLlamaServer, type Installation } from "./installation.ts";
import { mountTmpfs } from "./tmpfs.ts";

/** What a doctor has to find. */
export interface WantedFinding {
  /** Name of the check. */
  readonly check: string;
  readonly result: "warn" | "fail";
  /** What it has to say of what it saw. */
  readonly seen: RegExp;
  /** And of what to do. */
  readonly cure: RegExp;
}

/** An installation with one fault. */
export interface BrokenInstallation extends WantedFinding {
  /** In words. */
  readonly name: string;
  /** Why it cannot be made here; `undefined` if it can. */
  readonly skip?: string | undefined;
  /** Other checks that may find it, too. */
  readonly also?: readonly string[];
  /** Breaks one thing. */
  readonly breakIt: (installation: Installation) => void | Promise<void>;
}

const IS_ROOT = Deno.uid() === 0;
const NO_MOUNT = IS_ROOT ? undefined : "only root mounts a file system";

/** Has the installation use another rpc backend instead. */
function useBackend(installation: Installation, options: FakeRpcBackendOptions): void {
  const backend = installation.owned.use(new FakeRpcBackend(options));
  installation.config["rpc_backends"] = [`127.0.0.1:${backend.endpoint.port}`];
}

async function useProgram(installation: Installation, script: string, mode = 0o755): Promise<void> {
  await installation.writeProgram("llama-server", script, { mode });
}

const programs = ({ config }: Installation) => config["llama_cpp"] as Record<string, unknown>;
const listenPort = ({ config }: Installation) => Number(String(config["listen"]).split(":")[1]);

/** Each with its fault, and what a doctor must say of it. */
export const BROKEN_INSTALLATIONS: readonly BrokenInstallation[] = [
  {
    name: "a key of the configuration is misspelt",
    breakIt: ({ config }) => void (config["rpc_backend"] = []),
    check: "config",
    result: "fail",
    seen: /unknown key "rpc_backend"; did you mean "rpc_backends"\?.*config\.yaml, line 1/,
    cure: /correct it/,
  },
  {
    name: "a value of the configuration makes no sense",
    breakIt: ({ config }) => void (config["coordinator"] = { slots: -1 }),
    check: "config",
    result: "fail",
    seen: /coordinator\.slots must be/,
    cure: /correct it/,
  },
  {
    name: "an rpc backend is listed twice",
    breakIt: ({ config }) =>
      void (config["rpc_backends"] as string[]).push((config["rpc_backends"] as string[])[0]!),
    check: "config",
    result: "warn",
    seen: /is listed 2 times/,
    cure: /correct .*config\.yaml/,
  },
  {
    name: "it listens for everybody, and there is no key",
    breakIt: (installation) => void (installation.config["listen"] = `0.0.0.0:${listenPort(installation)}`),
    check: "config",
    result: "fail",
    seen: /listen must be on loopback .* while no key is configured/,
    cure: /correct it/,
  },
  {
    name: "it lets in everybody",
    breakIt(installation) {
      installation.config["listen"] = `0.0.0.0:${listenPort(installation)}`;
      installation.config["auth"] = { allow_anonymous: true };
    },
    check: "access",
    result: "warn",
    seen: /everybody who reaches it may ask models/,
    cure: /sollol key new/,
  },
  {
    name: "the file of a key is open to others",
    async breakIt({ config, directory }) {
      const path = join(directory, "chat.key");
      await Deno.writeTextFile(path, "a-secret-that-nobody-may-see\n");
      await Deno.chmod(path, 0o644);
      config["auth"] = { keys: [{ name: "chat", file: path }] };
    },
    check: "secret-files",
    result: "fail",
    seen: /chat\.key.* is open to others \(mode 0644\)/,
    cure: /chmod 600 .*chat\.key/,
  },
  {
    name: "the file of a key is missing",
    breakIt: ({ config, directory }) => {
      config["auth"] = { keys: [{ name: "chat", file: join(directory, "no.key") }] };
    },
    check: "secret-files",
    result: "fail",
    seen: /no\.key.* does not exist/,
    cure: /write the key there/,
  },
  {
    name: "it may take more connections than files may be open",
    breakIt: ({ config }) => void (config["limits"] = { connections: 1_000_000 }),
    check: "open-files",
    result: "warn",
    seen: /limits\.connections of 1000000 may need 2000256/,
    cure: /ulimit -n 2000256/,
  },
  {
    name: "the disk is full",
    skip: NO_MOUNT,
    async breakIt({ config, directory, owned }) {
      const path = join(directory, "full");
      owned.use(await mountTmpfs(path, "size=1m"));
      config["state_dir"] = path;
    },
    check: "disk",
    result: "fail",
    seen: /the disk is full: 10\d\d\.\d KiB|the disk is full: 1\.00 MiB/,
    cure: /du -xh/,
  },
  {
    name: "the state directory is on a read-only file system",
    skip: NO_MOUNT,
    async breakIt({ config, directory, owned }) {
      const path = join(directory, "sealed");
      owned.use(await mountTmpfs(path, "size=2g,ro"));
      config["state_dir"] = path;
    },
    check: "state-directory",
    result: "fail",
    seen: /sealed cannot be written: the file system is read-only/,
    cure: /remount,rw/,
  },
  {
    name: "the state directory belongs to somebody else",
    skip: IS_ROOT ? "root may write everywhere" : undefined,
    breakIt: async ({ directory }) => await Deno.chmod(join(directory, "state"), 0o500),
    check: "state-directory",
    result: "fail",
    seen: /state cannot be written: this user may not/,
    cure: /chown/,
  },
  {
    name: "the state directory cannot be made",
    async breakIt({ config, directory }) {
      await Deno.writeTextFile(join(directory, "file"), "");
      config["state_dir"] = join(directory, "file/state");
    },
    check: "state-directory",
    result: "fail",
    seen: /file\/state cannot be (made|used)/,
    cure: /state_dir/,
  },
  {
    name: "the database is damaged",
    async breakIt({ directory }) {
      await Deno.writeTextFile(
        join(directory, "state/sollol.db"),
        "no database at all, but some text".repeat(200),
      );
    },
    check: "database",
    result: "fail",
    seen: /is damaged: file is not a database/,
    cure: /put a backup there/,
  },
  {
    name: "the database is of a newer sollol",
    breakIt: (installation) => installation.writeDatabase({ version: 1_000 }),
    check: "database",
    result: "fail",
    seen: /is of a newer sollol \(schema 1000/,
    cure: /upgrade sollol/,
  },
  {
    name: "a stranger holds its port",
    breakIt(installation) {
      const stranger = Deno.listen({ hostname: "127.0.0.1", port: listenPort(installation) });
      installation.owned.defer(() => stranger.close());
    },
    check: "port",
    result: "fail",
    seen: /is taken by deno, pid \d+/,
    cure: /ss -ltnp sport = :\d+.*--listen/,
  },
  {
    name: "llama-server is not where it should be",
    breakIt: (installation) => void (programs(installation)["llama_server"] = "/nowhere/llama-server"),
    check: "llama-server",
    result: "fail",
    seen: /"\/nowhere\/llama-server", which does not exist/,
    cure: /remove it to have llama-server looked for/,
  },
  {
    name: "llama-server may not be executed",
    breakIt: async (installation) => await useProgram(installation, fakeLlamaServer(), 0o644),
    check: "llama-server",
    result: "fail",
    seen: /is not an executable file/,
    cure: /correct it/,
  },
  {
    name: "llama-server lacks a library",
    breakIt: async (installation) =>
      await useProgram(
        installation,
        "#!/bin/sh\necho 'llama-server: error while loading shared libraries: libcudart.so.12: cannot open' >&2\nexit 127\n",
      ),
    check: "llama-server",
    result: "fail",
    seen: /cannot load its libraries: .*libcudart\.so\.12/,
    cure: /ldd/,
  },
  {
    name: "llama-server crashes at its start",
    breakIt: async (installation) => await useProgram(installation, "#!/bin/sh\nkill -SEGV $$\n"),
    check: "llama-server",
    result: "fail",
    seen: /--version" crashed \(SIGSEGV/,
    cure: /sollol setup/,
  },
  {
    name: "llama-server was built without rpc",
    breakIt: async (installation) => await useProgram(installation, fakeLlamaServer({ hasRpc: false })),
    check: "rpc-server",
    result: "fail",
    seen: /has no --rpc/,
    cure: /sollol setup/,
  },
  {
    name: "the rpc server is of another build",
    async breakIt(installation) {
      await installation.writeProgram("llama-server", fakeLlamaServer({ build: 9_000 }), { folder: "old" });
      const script = await Deno.readTextFile(String(programs(installation)["rpc_server"]));
      programs(installation)["rpc_server"] = await installation.writeProgram("ggml-rpc-server", script, {
        folder: "old",
      });
    },
    check: "rpc-server",
    result: "fail",
    seen: /is of build b9000, llama-server of b11669/,
    cure: /install both of one build: sollol setup/,
  },
  {
    name: "the model store does not exist",
    breakIt: ({ config }) => void (config["models"] = ["/nowhere/models"]),
    check: "model-root",
    result: "fail",
    seen: /\/nowhere\/models cannot be read: it does not exist/,
    cure: /make or mount it, or correct models/,
  },
  {
    name: "the model store cannot be read",
    async breakIt({ config, directory, store }) {
      if (!IS_ROOT) return await Deno.chmod(join(store.directory, "blobs"), 0o000);
      await Deno.symlink(join(directory, "loop"), join(directory, "loop")); // which stops root, too
      config["models"] = [join(directory, "loop")];
    },
    check: "model-root",
    result: "fail",
    seen: /cannot be read: /,
    cure: /usermod -aG ollama|correct models/,
    also: ["models"],
  },
  {
    name: "a blob of a model is missing",
    async breakIt({ store }) {
      const { modelPath } = await store.addModel("lost:7b", ggufBytes("lost"));
      await Deno.remove(modelPath);
    },
    check: "models",
    result: "warn",
    seen: /Cannot load "lost:7b"/,
    cure: /ollama pull lost:7b/,
  },
  {
    name: "an rpc backend is down",
    breakIt: ({ config }) => void (config["rpc_backends"] = [`127.0.0.1:${freePort()}`]),
    check: "backend",
    result: "fail",
    seen: /Nothing listens at 127\.0\.0\.1:\d+/,
    cure: /start ggml-rpc-server there/,
  },
  {
    name: "a web server is where an rpc backend should be",
    breakIt: (installation) => useBackend(installation, { behaviour: "http" }),
    check: "backend",
    result: "fail",
    seen: /is an HTTP server, not a ggml-rpc-server/,
    cure: /check the port/,
  },
  {
    name: "an rpc backend speaks another protocol",
    breakIt: (installation) => useBackend(installation, { version: { major: 7, minor: 0, patch: 0 } }),
    check: "backend",
    result: "fail",
    seen: /speaks rpc protocol 7\.0\.0, ours is 8\.0\.0/,
    cure: /install the same llama\.cpp build on both/,
  },
  {
    name: "an rpc backend serves somebody else",
    breakIt: (installation) => useBackend(installation, { behaviour: "silent" }),
    check: "backend",
    result: "warn",
    seen: /serves another client, or hangs/,
    cure: /stop the coordinator that uses it/,
  },
  {
    name: "an rpc backend hangs amid its answer",
    breakIt: (installation) => useBackend(installation, { behaviour: "slow", byteDelayMs: 100 }),
    check: "backend",
    result: "fail",
    seen: /sent only \d+ bytes of its answer/,
    cure: /check its load and the network/,
  },
  {
    name: "an rpc backend is too small for any layer",
    breakIt: (installation) =>
      useBackend(installation, { devices: [{ freeBytes: 600 * MIB, totalBytes: 4_096 * MIB }] }),
    check: "backend",
    result: "warn",
    seen: /600\.0 MiB free: too little for a layer, since 512\.0 MiB of each device stay free/,
    cure: /lower rpc\.reserve/,
  },
  {
    name: "an Ollama node is down",
    breakIt: async ({ node }) => await node.stop(),
    check: "node",
    result: "fail",
    seen: /refused/,
    cure: /./,
  },
  {
    name: "an Ollama node wants a key",
    breakIt: ({ config, owned }) => useNode(config, owned, () => new Response(null, { status: 401 })),
    check: "node",
    result: "fail",
    seen: /it asks for a key \(401\)/,
    cure: /set its api_key/,
  },
  {
    name: "an Ollama node hangs",
    breakIt: ({ node }) => node.behave("hang"),
    check: "node",
    result: "fail",
    seen: /did not answer whole within 2\.0 s/,
    cure: /check whether it hangs/,
  },
  {
    name: "an Ollama node holds no model",
    breakIt: ({ node }) => node.removeModel("llama3:8b"),
    check: "node",
    result: "warn",
    seen: /0 models/,
    cure: /ollama pull/,
  },
  {
    name: "the clock of an Ollama node is wrong",
    breakIt: ({ config, owned }) => useNode(config, owned, answerYesterday),
    check: "node",
    result: "warn",
    seen: /its clock is 2[34] h \d+ min behind this one's/,
    cure: /timedatectl set-ntp true/,
  },
  {
    name: "the gateway is older than its program",
    breakIt: (installation) =>
      void installation.owned.use(new FakeGateway({ version: "0.0.1" }, listenPort(installation))),
    check: "gateway",
    result: "warn",
    seen: /sollol 0\.0\.1, but this program is /,
    cure: /^restart it/,
  },
  {
    name: "the gateway wants another key",
    breakIt: (installation) => {
      installation.args.push("--token", "a-wrong-one");
      installation.owned.use(
        new FakeGateway({ version: "0.0.1", key: "the-right-one" }, listenPort(installation)),
      );
    },
    check: "gateway",
    result: "fail",
    seen: /wants an API key that it knows/,
    cure: /--token KEY/,
  },
  {
    name: "there is no gateway where somebody says",
    breakIt: ({ args }) => void args.push("--gateway", `http://127.0.0.1:${freePort()}`),
    check: "gateway",
    result: "fail",
    seen: /No gateway runs at/,
    cure: /sollol serve/,
  },
  {
    name: "a llama-server of somebody else is gone",
    breakIt: ({ config }) => void (config["coordinator_url"] = `http://127.0.0.1:${freePort()}`),
    check: "llama-server-of-others",
    result: "fail",
    seen: /refused/,
    cure: /./,
  },
];

function useNode(
  config: Record<string, unknown>,
  owned: AsyncDisposableStack,
  answer: (request: Request) => Response,
): void {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  owned.defer(() => server.shutdown());
  config["ollama_nodes"] = [`http://127.0.0.1:${server.addr.port}`];
}

function answerYesterday(request: Request): Response {
  const date = new Date(Date.now() - 24 * 3_600_000).toUTCString();
  const isVersion = request.url.endsWith("/api/version");
  const body = isVersion ? { version: "0.17.4" } : { models: [{ name: "llama3:8b", size: 1 }] };
  return Response.json(body, { headers: { date } });
}
