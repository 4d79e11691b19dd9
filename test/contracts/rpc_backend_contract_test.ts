import { setTimeout as delay } from "node:timers/promises";
import { findPrograms } from "../e2e/with_llama_cpp.ts";
import { FakeRpcBackend } from "../fakes/fake_rpc_backend.ts";
import { freePort } from "../fixtures/free_port.ts";
import { type BackendUnderTest, rpcBackendContract } from "./rpc_backend_contract.ts";

rpcBackendContract({ name: "fake_rpc_backend", start: () => Promise.resolve(new FakeRpcBackend()) });

const programs = await findPrograms();

rpcBackendContract(
  typeof programs === "string"
    ? { name: `ggml-rpc-server (skipped: ${programs})`, ignore: true, start: () => Promise.reject(programs) }
    : { name: "ggml-rpc-server", start: () => startRealBackend(programs.rpcServer) },
);

/** Starts it on the CPU device and a free port; a child of ours has the default SIGPIPE. */
async function startRealBackend(path: string): Promise<BackendUnderTest> {
  const endpoint = { host: "127.0.0.1", port: freePort() };
  const child = new Deno.Command(path, {
    args: ["--host", endpoint.host, "--port", `${endpoint.port}`, "--device", "CPU"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let hasDied = false;
  void child.status.then(() => hasDied = true);
  const backend: BackendUnderTest = {
    endpoint,
    hasDied: () => hasDied,
    async [Symbol.asyncDispose]() {
      if (!hasDied) child.kill("SIGKILL");
      await child.status;
    },
  };
  await untilListening(backend);
  return backend;
}

async function untilListening({ endpoint: { host, port }, hasDied }: BackendUnderTest): Promise<void> {
  while (!hasDied()) {
    try {
      return (await Deno.connect({ hostname: host, port })).close();
    } catch {
      await delay(10);
    }
  }
  throw new Error("ggml-rpc-server exited instead of listening");
}
