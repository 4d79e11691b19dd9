import { equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FakeLlamaServer } from "../../fakes/fake_llama_server.ts";
import { until } from "../../fixtures/until.ts";

const PATIENCE = { withinMs: 30_000 };
const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));
/** On loopback, but none of the names by which the config knows that. */
const ELSEWHERE = "127.1:0";

/** A gateway with its config and one file of keys, as its own process before a llama-server that somebody else runs. */
class ServedGateway implements AsyncDisposable {
  readonly upstream = new FakeLlamaServer(["fake"]);
  log = "";
  #child!: Deno.ChildProcess;
  #read!: Promise<void>;

  private constructor(private readonly directory: string) {}

  static async start(keys: string): Promise<ServedGateway> {
    const gateway = new ServedGateway(await Deno.makeTempDir({ prefix: "sollol-rotation-" }));
    await gateway.writeKeys(keys);
    await gateway.writeConfig(`listen: ${ELSEWHERE}\nauth: {keys: [{name: chat, file: chat.key}]}`);
    gateway.#begin();
    return gateway;
  }

  async untilLogged(text: RegExp): Promise<void> {
    await until(() => text.test(this.log), `${text} in the log: ${this.log}`, PATIENCE);
  }

  async writeKeys(text: string, mode = 0o600): Promise<void> {
    await Deno.writeTextFile(this.#path("chat.key"), text);
    await Deno.chmod(this.#path("chat.key"), mode);
  }

  async writeConfig(text: string): Promise<void> {
    const usual = [
      `state_dir: ${this.#path("state")}`,
      `models: [${this.directory}]`,
      "nodes: {local: false}",
      `coordinator_url: ${this.upstream.url}`,
    ];
    const path = this.#path("config.yaml");
    await Deno.writeTextFile(`${path}.new`, [...usual, text, ""].join("\n"));
    await Deno.rename(`${path}.new`, path);
  }

  reload(): void {
    this.#child.kill("SIGHUP");
  }

  chat(key: string, fields: Record<string, unknown> = {}): Promise<Response> {
    const body = JSON.stringify({ model: "fake", messages: [{ role: "user", content: "hi" }], ...fields });
    const url = /"message":"listening","url":"(http:[^"]+)"/.exec(this.log)![1];
    const headers = { authorization: `Bearer ${key}` };
    return fetch(`${url}/v1/chat/completions`, { method: "POST", body, headers });
  }

  async status(key: string): Promise<number> {
    const response = await this.chat(key);
    await response.body?.cancel();
    return response.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await this.#read;
    await this.upstream[Symbol.asyncDispose]();
    await Deno.remove(this.directory, { recursive: true });
  }

  #begin(): void {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", MAIN, "serve", "--config", this.#path("config.yaml")],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#read = this.#keep();
  }

  #path(name: string): string {
    return join(this.directory, name);
  }

  async #keep(): Promise<void> {
    for await (
      const text of this.#child.stdout.pipeThrough(new TextDecoderStream() as ReadableWritablePair)
    ) {
      this.log += text;
    }
  }
}

Deno.test("keys are changed by a reload: the old one is refused, the new one let in, and a stream goes on", async () => {
  await using gateway = await ServedGateway.start("old-key\n");
  await gateway.untilLogged(/"message":"listening"/);
  equal(await gateway.status("old-key"), 200);
  gateway.upstream.then({ kind: "ok", tokens: 300, intervalMs: 10 });
  const stream = await gateway.chat("old-key", { stream: true });

  await gateway.writeKeys("old-key\nnew-key\n");
  gateway.reload();
  await until(async () => await gateway.status("new-key") === 200, "the new key is let in", PATIENCE);
  equal(await gateway.status("old-key"), 200, "both are, meanwhile");

  await gateway.writeKeys("new-key\n");
  gateway.reload();
  await until(async () => await gateway.status("old-key") === 401, "the old key is refused", PATIENCE);
  equal(await gateway.status("new-key"), 200);

  await gateway.writeKeys("third-key\n", 0o644);
  gateway.reload();
  await gateway.untilLogged(/config not taken[^\n]*chmod 600/);
  await gateway.writeKeys("");
  gateway.reload();
  await gateway.untilLogged(/config not taken[^\n]*has no key/);
  await gateway.writeConfig("listen: 127.0.0.1:0");
  await gateway.untilLogged(/config not taken[^\n]*listen must be on loopback[^\n]*sollol key new/);
  equal(await gateway.status("new-key"), 200);
  equal(await gateway.status("third-key"), 401);

  match(await stream.text(), /\[DONE\]/);
  ok(!/old-key|new-key|third-key/.test(gateway.log), "no key in the log");
});
