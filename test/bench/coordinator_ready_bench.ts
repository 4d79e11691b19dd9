/**
 * From spawning to the first healthy answer: our coordinator, with probes, verified placement and all, beside a bare
 * llama-server with the same arguments that is asked for `/health` every 2 ms. Claim: at most 60 ms more.
 */
import { setTimeout as delay } from "node:timers/promises";
import { requireProgram } from "../../lib/llama_cpp/find.ts";
import { buildLaunchCommand } from "../../lib/llama_server/args.ts";
import { ChildProcess } from "../../lib/process/child.ts";
import { CoordinatorBed, freePort } from "../e2e/coordinator_bed.ts";
import { ensureLlamaCpp } from "../e2e/llama_cpp.ts";

const programs = await ensureLlamaCpp();
const bed = await CoordinatorBed.create(
  { llamaServer: requireProgram(programs.llamaServer), rpcServer: requireProgram(programs.rpcServer) },
  3,
);
globalThis.addEventListener("unload", () => {
  for (const { process } of bed.backends) process.signal("SIGKILL");
  Deno.removeSync(bed.directory, { recursive: true });
});
const launch = bed.launch(bed.plan([3, 3, 3]));

Deno.bench("bare llama-server", { group: "ready", baseline: true, n: 10, warmup: 2 }, async (b) => {
  const port = freePort("127.0.0.1");
  const { args, env } = buildLaunchCommand({
    ...launch,
    alias: "tiny",
    listen: { transport: "tcp", hostname: "127.0.0.1", port },
    apiKey: "bench",
    rpc: {
      endpoints: launch.placement!.endpoints,
      deviceNames: launch.placement!.devices.map(({ name }) => name),
      tensorSplit: launch.placement!.tensorSplit,
    },
  });
  b.start();
  const child = await ChildProcess.spawn({
    program: launch.program,
    args,
    env: { ...Deno.env.toObject(), ...env },
  });
  while (!await isHealthy(port)) await delay(2);
  b.end();
  await child.stop();
});

Deno.bench("our coordinator", { group: "ready", n: 10, warmup: 2 }, async (b) => {
  b.start();
  const coordinator = await bed.start(launch);
  b.end();
  await coordinator.stop();
});

async function isHealthy(port: number): Promise<boolean> {
  try {
    const response = await bed.http.send({ transport: "tcp", hostname: "127.0.0.1", port }, {
      method: "GET",
      target: "/health",
      fresh: true,
    });
    await response.body.bytes(1_000);
    return response.status === 200;
  } catch { // nobody listens yet
    return false;
  }
}
