import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** A server under load, and how to end it. */
export interface Target extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
}

const MODEL = "stub";
const ANSWER = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: MODEL,
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "word ".repeat(60) } }],
  usage: { prompt_tokens: 10, completion_tokens: 60, total_tokens: 70 },
});
const MODELS = JSON.stringify({ object: "list", data: [{ id: MODEL, object: "model" }] });

/** The body that every load run posts. */
export const REQUEST_BODY: string = JSON.stringify({
  model: MODEL,
  messages: [{ role: "user", content: "Say a few words." }],
});

/** nginx as the upstream (it answers by itself) and as a reverse proxy before `sseUrl`'s and its own answers. */
export async function startNginx(stubPort: number, proxyPort: number, ssePort: number): Promise<Target> {
  const configIn = (dir: string) => nginxConfig(dir, stubPort, proxyPort, ssePort);
  return await startNginxWith(configIn, `http://127.0.0.1:${proxyPort}`, "/v1/models");
}

/** nginx with a configuration that may use the directory that it gets; resolves when `path` is answered at `url`. */
export async function startNginxWith(
  configIn: (dir: string) => string,
  url: string,
  path: string,
): Promise<Target> {
  const dir = await Deno.makeTempDir({ prefix: "sollol-load-nginx-" });
  await Deno.writeTextFile(`${dir}/nginx.conf`, configIn(dir));
  const child = new Deno.Command("nginx", {
    args: ["-p", dir, "-c", `${dir}/nginx.conf`, "-e", `${dir}/error.log`],
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  await untilAnswers(`${url}${path}`);
  return target("nginx", url, child, () => Deno.remove(dir, { recursive: true }));
}

function nginxConfig(dir: string, stubPort: number, proxyPort: number, ssePort: number): string {
  return `
daemon off; worker_processes 1; pid ${dir}/nginx.pid;
events { worker_connections 8192; }
http {
  access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi; keepalive_requests 100000000;
  upstream stub { server 127.0.0.1:${stubPort}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${stubPort} backlog=4096; default_type application/json;
    location = /v1/models { return 200 '${MODELS}'; }
    location = /v1/chat/completions { return 200 '${ANSWER}'; }
  }
  server {
    listen 127.0.0.1:${proxyPort} backlog=4096;
    location / { proxy_pass http://stub; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
    location = /sse { rewrite ^ /v1/chat/completions break; proxy_pass http://127.0.0.1:${ssePort}; proxy_http_version 1.1; proxy_buffering off; }
  }
}`;
}

/** A bare proxy of a few lines: Deno.serve and fetch, headers copied, the client's signal passed on. */
export async function startFetchProxy(port: number, upstreamPort: number): Promise<Target> {
  const script = fileURLToPath(new URL("./fetch_proxy.ts", import.meta.url));
  const child = deno(["run", "--allow-net", script, String(port), `http://127.0.0.1:${upstreamPort}`]);
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(`${url}/v1/models`);
  return target("bare fetch proxy", url, child);
}

/** A stream of events at a steady pace, as a model would send them. */
export async function startSseStub(port: number): Promise<Target> {
  const script = fileURLToPath(new URL("./sse_stub.ts", import.meta.url));
  const child = deno(["run", "--allow-net", "--unstable-net", script, String(port), MODELS]);
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(`${url}/v1/models`);
  return target("stub", url, child);
}

/** The gateway itself, whole: keys, decision, log and metrics. @param settings More of its configuration. */
export async function startGateway(
  port: number,
  upstreamPort: number,
  apiKey: string,
  settings: Record<string, unknown> = {},
): Promise<Target> {
  const dir = await Deno.makeTempDir({ prefix: "sollol-load-" });
  const config = {
    listen: `127.0.0.1:${port}`,
    coordinator_url: `http://127.0.0.1:${upstreamPort}`,
    api_keys: [apiKey],
    state_dir: dir,
    ...settings,
  };
  await Deno.writeTextFile(`${dir}/config.yaml`, JSON.stringify(config));
  const main = fileURLToPath(new URL("../../../main.ts", import.meta.url));
  const child = deno(["run", "--allow-all", main, "serve", "--config", `${dir}/config.yaml`]);
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(`${url}/health`);
  return target("sollol", url, child, () => Deno.remove(dir, { recursive: true }));
}

/** Runs a script of ours, of which only errors are seen. */
export function deno(args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "inherit" }).spawn();
}

/** A process that listens; disposal ends it, and then cleans up. */
export function target(
  name: string,
  url: string,
  child: Deno.ChildProcess,
  cleanUp?: () => Promise<void>,
): Target {
  return {
    name,
    url,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await cleanUp?.();
    },
  };
}

/** Waits until something answers there, 10 s at most. */
export async function untilAnswers(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      await (await fetch(url)).body?.cancel();
      return;
    } catch {
      await delay(50);
    }
  }
  throw new Error(`${url} did not come up within 10 s`);
}
