import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import { FakeRpcBackend } from "../../fakes/fake_rpc_backend.ts";
import { freePort } from "../../fixtures/free_port.ts";
import { ggufBytes, OllamaStoreFixture } from "../../fixtures/ollama_store.ts";

/** What `sollol doctor --json` says of one check. */
export interface TestReport {
  readonly name: string;
  readonly group: string;
  readonly subject: string | null;
  readonly result: "ok" | "warn" | "fail" | "skip";
  readonly seen: string;
  readonly cure?: string;
}

/** What a doctor said. */
export interface Visit {
  readonly exitCode: number;
  readonly result: string;
  readonly checks: readonly TestReport[];
  readonly stderr: string;
}

/** A llama-server of so many lines of shell: `--version` and `--help` are all that a doctor asks. */
export function fakeLlamaServer({ build = 11669, hasRpc = true } = {}): string {
  return [
    "#!/bin/sh",
    'case "$1" in',
    `  --version) echo "version: 0.7.0 (build ${build}, commit test)" >&2 ;;`,
    `  --help) echo "  ${hasRpc ? "--rpc SERVERS" : "--nothing"}   comma separated list" ;;`,
    "esac",
    "",
  ].join("\n");
}

const RPC_SERVER = [
  "#!/bin/sh",
  '[ "$1" = --help ] && { echo "  -p, --port PORT   port to bind to"; exit 0; }',
  'echo "Starting RPC server v8.0.0"',
  "exec sleep 20",
  "",
].join("\n");

/**
 * All that a gateway needs, made of fakes in a directory of its own: llama.cpp of two scripts, a store with one model, an
 * rpc backend, an Ollama node. Nothing of it is broken; a test breaks one thing.
 */
export class Installation implements AsyncDisposable {
  /** Flags for the doctor. */
  readonly args: string[] = [];
  /** Variables for the doctor. */
  readonly env: Record<string, string>;

  private constructor(
    /** Holds everything. */
    readonly directory: string,
    /** Of the configuration file, as people write it. */
    readonly config: Record<string, unknown>,
    readonly store: OllamaStoreFixture,
    readonly backend: FakeRpcBackend,
    readonly node: FakeOllamaNode,
    /** Takes what a test adds. */
    readonly owned: AsyncDisposableStack,
  ) {
    this.env = { HOME: join(directory, "home"), PATH: Deno.env.get("PATH") ?? "" };
  }

  /** A sound one. */
  static async create(): Promise<Installation> {
    await using owned = new AsyncDisposableStack();
    const directory = await Deno.makeTempDir({ prefix: "sollol-doctor-" });
    owned.defer(() => Deno.remove(directory, { recursive: true }));
    const store = owned.use(await OllamaStoreFixture.create());
    await store.addModel("tiny:latest", ggufBytes());
    const backend = owned.use(new FakeRpcBackend());
    const node = owned.use(await FakeOllamaNode.start());
    const bin = join(directory, "bin");
    await Promise.all([Deno.mkdir(bin), Deno.mkdir(join(directory, "home"))]);
    const config = {
      listen: `127.0.0.1:${freePort()}`,
      models: [store.directory],
      state_dir: join(directory, "state"),
      rpc_backends: [`127.0.0.1:${backend.endpoint.port}`],
      ollama_nodes: [{ url: node.url }],
      nodes: { local: false },
      llama_cpp: { llama_server: join(bin, "llama-server"), rpc_server: join(bin, "ggml-rpc-server") },
    };
    const installation = new Installation(directory, config, store, backend, node, owned.move());
    await installation.writeProgram("llama-server", fakeLlamaServer());
    await installation.writeProgram("ggml-rpc-server", RPC_SERVER);
    await Deno.mkdir(join(directory, "state"), { mode: 0o700 });
    return installation;
  }

  /** Puts a program into `bin`, or into another directory beside it. */
  async writeProgram(name: string, script: string, { mode = 0o755, folder = "bin" } = {}): Promise<string> {
    const path = join(this.directory, folder, name);
    await Deno.mkdir(join(this.directory, folder), { recursive: true });
    await Deno.writeTextFile(path, script);
    await Deno.chmod(path, mode);
    return path;
  }

  /** Puts a database with one table into the state directory. */
  writeDatabase({ version }: { readonly version: number }): void {
    using connection = new DatabaseSync(join(this.directory, "state/sollol.db"));
    connection.exec(`CREATE TABLE something (id INTEGER); PRAGMA user_version = ${version}`);
  }

  /** Has the doctor look at it. */
  async visit(): Promise<Visit> {
    const path = join(this.directory, "config.yaml");
    await Deno.writeTextFile(path, JSON.stringify(this.config));
    await Deno.chmod(path, 0o600);
    const host = new FakeCliHost({ env: this.env });
    const args = ["doctor", "--json", "--config", path, ...this.args];
    const exitCode = await runCli(createRoot(), args, host);
    const { result, checks } = host.json() as Pick<Visit, "result" | "checks">;
    return { exitCode, result, checks, stderr: host.stderr.text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned[Symbol.asyncDispose]();
  }
}
