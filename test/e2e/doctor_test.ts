import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { writeDemoStore } from "../../lib/demo/demo_store.ts";
import type { Visit } from "../integration/doctor/installation.ts";
import { freePort } from "../fixtures/free_port.ts";
import { Program } from "./program.ts";
import { Sandbox } from "./sandbox.ts";
import { startShelf } from "./shelf.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

test("sollol doctor measures real rpc backends, which survive it, and asks the gateway that runs", async (programs) => {
  await using owned = new AsyncDisposableStack();
  const sandbox = owned.use(await Sandbox.create());
  const backends = await startShelf(programs.rpcServer, 2, owned);
  const store = join(sandbox.directory, "models");
  await writeDemoStore(store);
  const config = join(sandbox.directory, "config.yaml");
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      listen: `127.0.0.1:${freePort()}`,
      models: [store],
      rpc_backends: backends.map(({ endpoint }) => endpoint),
      nodes: { local: false },
      timeouts: { probe: "4s" },
      llama_cpp: { llama_server: programs.llamaServer, rpc_server: programs.rpcServer },
    }),
  );
  const visit = async (): Promise<Visit> => {
    const { code, stdout, stderr } = await Program.run(sandbox, ["doctor", "--json", "--config", config]);
    equal(stderr, "");
    return { ...JSON.parse(stdout), exitCode: code };
  };
  const of = ({ checks }: Visit, name: string) => checks.filter((check) => check.name === name);
  const alone = await visit();
  equal(alone.exitCode, 0, JSON.stringify(alone.checks));
  equal(of(alone, "gateway")[0]!.result, "skip");
  for (const link of of(alone, "link")) match(link.seen, /ms there and back, .*\/s$/);
  deepEqual(of(alone, "backend").map(({ result }) => result), ["ok", "ok"]);
  match(of(alone, "rpc-server")[0]!.seen, /b\d+, rpc protocol \d+\.\d+\.\d+$/);
  ok(of(alone, "models")[0]!.seen.startsWith("1 model"));

  const gateway = owned.use(Program.start(sandbox, ["serve", "--config", config]));
  await gateway.untilLogged("listening");
  const together = await visit();
  equal(together.exitCode, 0, JSON.stringify(together.checks));
  equal(of(together, "gateway")[0]!.result, "ok", of(together, "gateway")[0]!.seen);
  match(of(together, "port")[0]!.seen, /is the gateway's that runs/);
  deepEqual(of(together, "backend").map(({ result }) => result), ["ok", "ok"]);
  await gateway.stop();
});
