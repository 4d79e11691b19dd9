import { deepEqual, match } from "node:assert/strict";
import { workerCommand } from "../../../lib/cli/commands/worker.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";

const root = { name: "sollol", summary: "A test's program.", commands: [workerCommand] };
const GATEWAY = ["--gateway", "http://127.0.0.1:1"];

for (
  const [args, says, code] of [
    [[], /--gateway URL is missing/, 2],
    [
      ["--gateway", "192.168.1.10"],
      /--gateway: "192.168.1.10" is not an upstream URL; write http:\/\/host:port/,
      2,
    ],
    [["--gateway", "http://me:pw@host"], /--gateway: The upstream URL of host holds credentials/, 2],
    [[...GATEWAY, "--port", "0"], /--port: "0" is no number from 1 to 65535/, 2],
    [[...GATEWAY, "--port", "65536"], /--port/, 2],
    [[...GATEWAY, "--threads", "all"], /--threads: "all" is no number from 1 to 1024/, 2],
    [[...GATEWAY, "--devices", "CUDA0,,"], /--devices: "" is no device/, 2],
    [[...GATEWAY, "--name", "a/b"], /--name: it must be a word/, 2],
    [[...GATEWAY, "--drain", "soon"], /--drain/, 2],
    [[...GATEWAY, "--token", "two words"], /Cannot use the token of --token/, 1],
    [[...GATEWAY, "--token-file", "/nowhere/token"], /Cannot read the token from "\/nowhere\/token"/, 1],
    [
      [...GATEWAY, "--rpc-server", "/nowhere/rpc"],
      /ggml-rpc-server cannot be used: llama_cpp.rpc_server is/,
      1,
    ],
    [["--once", "--host", "8.8.8.8"], /it is a public address/, 1],
  ] as const
) {
  Deno.test(`sollol worker ${args.join(" ")} ends with ${code} and says why`, async () => {
    const host = new FakeCliHost({ env: { PATH: "/nowhere", HOME: "/nowhere" } });
    deepEqual([await runCli(root, ["worker", ...args], host), host.stdout.text], [code, ""]);
    match(host.stderr.text, says);
  });
}

Deno.test("sollol worker --once says what is missing, and tells the rest", async () => {
  const host = new FakeCliHost({ env: { PATH: "/nowhere", HOME: "/nowhere" } });
  await runCli(root, ["worker", "--once", "--name", "shelf-2", "--rpc-server", "/nowhere/rpc"], host);
  match(host.stderr.text, /warning: ggml-rpc-server cannot be used/);
  match(host.stdout.text, /^name +shelf-2$/m);
  match(host.stdout.text, /^memory +\d.* available$/m);
});
