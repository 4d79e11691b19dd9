import { deepEqual, equal, match } from "node:assert/strict";
import { buildTinyModel } from "../../lib/gguf/tiny_model.ts";
import {
  CLI_COMMANDS,
  CLI_MODEL,
  type CliCall,
  readCliRecording,
  recordedCliVersions,
} from "../fixtures/ollama_cli/cli_recording.ts";
import { findOllama } from "../fixtures/ollama_node/real_ollama.ts";
import { checkCliAnswer, type CliAnswer } from "./cli_answers.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { eventually } from "./eventually.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const llamaTest = await withLlamaCpp();
const found = await findOllama();

/** A gateway that shards the model of the commands, with a place for the files of those that ask it. */
async function withGateway(
  programs: RealPrograms,
  use: (gateway: ServedGateway, home: string) => Promise<void>,
): Promise<void> {
  await using bed = await GatewayBed.create(programs, { backendCount: 2, models: [] });
  const params = { num_ctx: 2_048, num_predict: 8 };
  await bed.store.addModel(CLI_MODEL, buildTinyModel(), { params, config: { file_type: "F16" } });
  await using gateway = await bed.serve({ settings: { "nodes.local": false } });
  await gateway.untilBackendsAreUp();
  await use(gateway, bed.store.home);
  await gateway.stop();
  await bed.assertNothingLeft();
}

llamaTest(
  "what Ollama's command line asks is answered as it expects, where a model is sharded",
  (programs) => {
    return withGateway(programs, async ({ url }) => {
      for (const version of recordedCliVersions()) {
        const commands = await readCliRecording(version);
        deepEqual(
          commands.map(({ args }) => args),
          CLI_COMMANDS,
          "other commands are recorded: record them again",
        );
        const running = ["", `${CLI_MODEL}:latest`, ""].values(); // before, while and after
        for (const { args, calls } of commands) {
          for (const call of calls) checkCliAnswer({ args, call }, await send(url, call));
          if (args[0] === "ps") await untilRunning(url, running.next().value!);
        }
      }
    });
  },
);

llamaTest("Ollama's command line works with a sharded model", (programs) => {
  return withGateway(programs, async ({ url }, home) => {
    const cli = commandLine(url, home);
    match(await cli.told("list"), /^NAME .*\nbrief:latest +[0-9a-f]{12} +2\.7 MB /);
    match(await cli.told("show", CLI_MODEL), /architecture +llama[^]*Capabilities\s+completion/);
    match(await cli.told("show", CLI_MODEL, "--modelfile"), /^PARAMETER num_predict 8$/m);
    match(await cli.told("run", CLI_MODEL, "hello"), /[a-z]{2,}/);
    match(await cli.told("ps"), /\nbrief:latest +[0-9a-f]{12} +\S+ MB +100% \S+ +2048 +\d+ minutes from now/);
    await cli.told("stop", CLI_MODEL);
    await untilRunning(url, "");
    match(await cli.told("ps"), /^NAME .*\n$/);
    match(await cli.refused("show", "nope"), /Error: model 'nope' not found/);
    match(await cli.refused("run", "nope", "hello"), /Error: .*no Ollama node to pull to; add one/);
    match(await cli.refused("stop", "nope"), /couldn't find model "nope"/);
    match(await cli.refused("cp", CLI_MODEL, "other"), /Error: .*no Ollama node to copy on; add one/);
    match(await cli.refused("rm", CLI_MODEL), /Error: .*no Ollama node to delete on; add one/);
    match(await cli.told("list"), /brief:latest/);
  });
}, { skip: "skip" in found ? found.skip : undefined });

/** The real program, without a terminal. */
function commandLine(url: string, home: string) {
  const run = async (args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command("path" in found ? found.path : "", {
      args,
      env: { HOME: home, OLLAMA_HOST: url, NO_COLOR: "1" },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, said: said!, complained: complained! };
  };
  return {
    /** What it says where all goes well. */
    async told(...args: string[]): Promise<string> {
      const { code, said, complained } = await run(args);
      equal(code, 0, complained);
      return said;
    },
    /** What it complains of where it does not. */
    async refused(...args: string[]): Promise<string> {
      const { code, complained } = await run(args);
      equal(code, 1, complained);
      return complained;
    },
  };
}

async function send(url: string, { method, path, headers, body }: CliCall): Promise<CliAnswer> {
  const response = await fetch(`${url}${path}`, { method, headers, ...(body !== "" && { body }) });
  return {
    status: response.status,
    contentType: response.headers.get("content-type"),
    text: await response.text(),
  };
}

/** A model is unloaded behind the answer to `stop`. */
async function untilRunning(url: string, names: string): Promise<void> {
  await eventually(`it runs ${names || "nothing"}`, async () => {
    const { models } = await (await fetch(`${url}/api/ps`)).json();
    return models.map(({ name }: { name: string }) => name).join() === names;
  });
}
