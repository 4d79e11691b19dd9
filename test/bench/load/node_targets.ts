import { fileURLToPath } from "node:url";
import { deno, startNginxWith, type Target, target, untilAnswers } from "./targets.ts";

/** The model that all these nodes hold. */
export const NODE_MODEL = "stub:latest";

const MODEL = {
  name: NODE_MODEL,
  model: NODE_MODEL,
  size: 4_000_000_000,
  size_vram: 4_000_000_000,
  digest: "5".repeat(64),
  modified_at: "2026-01-02T00:00:00Z",
  expires_at: "2318-01-02T00:00:00Z",
  details: { format: "gguf", family: "llama", parameter_size: "8.0B", quantization_level: "Q4_K_M" },
};
/** Answers `/api/version`, `/api/tags` and `/api/ps` alike: who asks for one does not mind the rest. */
const CHECKS = JSON.stringify({ version: "0.33.0", models: [MODEL] });

const ANSWER = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: NODE_MODEL,
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "word ".repeat(60) } }],
  usage: { prompt_tokens: 10, completion_tokens: 60, total_tokens: 70 },
});

/** The body that every request of the load run posts. */
export const NODE_REQUEST_BODY: string = JSON.stringify({
  model: NODE_MODEL,
  messages: [{ role: "user", content: "Say a few words." }],
});

/**
 * nginx as Ollama nodes on these ports, which answer by themselves, and as a reverse proxy before them. An answer costs
 * such a node next to nothing, so that what is measured is whatever stands before it.
 */
export async function startNginxNodes(nodePorts: readonly number[], proxyPort: number): Promise<Target> {
  const configIn = (dir: string) => nginxConfig(dir, nodePorts, proxyPort);
  return await startNginxWith(configIn, `http://127.0.0.1:${proxyPort}`, "/api/version");
}

function nginxConfig(dir: string, nodePorts: readonly number[], proxyPort: number): string {
  const listens = nodePorts.map((port) => `listen 127.0.0.1:${port} backlog=4096;`).join(" ");
  const servers = nodePorts.map((port) => `server 127.0.0.1:${port};`).join(" ");
  return `
daemon off; worker_processes 1; pid ${dir}/nginx.pid;
events { worker_connections 8192; }
http {
  access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi; keepalive_requests 100000000;
  upstream nodes { ${servers} keepalive 128; keepalive_requests 100000000; }
  server {
    ${listens} default_type application/json;
    location /api/ { return 200 '${CHECKS}'; }
    location = /v1/chat/completions { return 200 '${ANSWER}'; }
  }
  server {
    listen 127.0.0.1:${proxyPort} backlog=4096;
    location / { proxy_pass http://nodes; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}`;
}

/** An Ollama node that streams events at a steady pace; see `sse_stub.ts`. */
export async function startStreamingNode(port: number): Promise<Target> {
  const script = fileURLToPath(new URL("./sse_stub.ts", import.meta.url));
  const child = deno(["run", "--allow-net", "--unstable-net", script, String(port), CHECKS]);
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(`${url}/api/version`);
  return target("direct", url, child);
}

/** The gateway itself, whole, before Ollama nodes on these ports. */
export async function startNodeGateway(
  port: number,
  nodePorts: readonly number[],
  { apiKey, slots }: { apiKey: string; slots: number },
): Promise<Target> {
  const dir = await Deno.makeTempDir({ prefix: "sollol-load-" });
  const config = {
    listen: `127.0.0.1:${port}`,
    ollama_nodes: nodePorts.map((node) => ({ url: `http://127.0.0.1:${node}`, name: `node-${node}`, slots })),
    nodes: { local: false },
    models: [dir],
    api_keys: [apiKey],
    state_dir: dir,
  };
  await Deno.writeTextFile(`${dir}/config.yaml`, JSON.stringify(config));
  const main = fileURLToPath(new URL("../../../main.ts", import.meta.url));
  const child = deno(["run", "--allow-all", "--no-check", main, "serve", "--config", `${dir}/config.yaml`]);
  const url = `http://127.0.0.1:${port}`;
  await untilAnswers(`${url}/health`);
  return target("sollol", url, child, () => Deno.remove(dir, { recursive: true }));
}

/** What else this machine does, for the record: `load average 0.52 0.40 0.31 on 2 processors`. */
export function machineLoad(): string {
  const loads = Deno.loadavg().map((load) => load.toFixed(2));
  return `load average ${loads.join(" ")} on ${navigator.hardwareConcurrency} processors`;
}
