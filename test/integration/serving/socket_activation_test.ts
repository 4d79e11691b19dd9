import { deepEqual, equal } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { freePort } from "../../fixtures/free_port.ts";

const ACTIVATE = "systemd-socket-activate";
const main = fileURLToPath(new URL("../../../main.ts", import.meta.url));

async function isInstalled(program: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" })
    .output();
  return success;
}

Deno.test({
  name: "a gateway serves the socket that systemd made, and says where that listens",
  ignore: !await isInstalled(ACTIVATE),
  async fn() {
    const home = await Deno.makeTempDir({ prefix: "socket-activation-" });
    const port = freePort();
    const config = { listen: "127.0.0.1:1", state_dir: home, models: [home], nodes: { local: false } };
    await Deno.writeTextFile(`${home}/config.yaml`, JSON.stringify(config));
    const args = ["-l", `127.0.0.1:${port}`, Deno.execPath(), "run", "--allow-all", main, "serve"];
    await using child = new Deno.Command(ACTIVATE, {
      args: [...args, "--config", `${home}/config.yaml`, "--log-format", "json"],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    try {
      equal(await (await untilConnected(`http://127.0.0.1:${port}`)).text(), "Ollama is running");
      child.kill("SIGTERM");
      const { code, stdout } = await child.output();
      const lines = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
      const said = (message: string) => lines.find((line) => line.message === message);
      deepEqual([said("listening").url, code], [`http://127.0.0.1:${port}`, 0]);
      const { listen, instead, socketCount } = said("socket inherited");
      deepEqual({ listen, instead, socketCount }, {
        listen: `127.0.0.1:${port}`,
        instead: "127.0.0.1:1",
        socketCount: 1,
      });
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
});

/** Once it listens, its kernel keeps who connects until the gateway is up. */
async function untilConnected(url: string): Promise<Response> {
  for (const byMs = performance.now() + 20_000;;) {
    try {
      return await fetch(url);
    } catch (error) {
      if (performance.now() > byMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
