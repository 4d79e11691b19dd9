import { resolve } from "node:path";
import { GatewayError } from "../../errors.ts";
import { defaultPrefix, SYSTEM_PREFIX } from "../../llama_cpp/installation.ts";
import { setupLlamaCpp, type SetupProgress, type SetupResult } from "../../llama_cpp/setup.ts";
import { formatBytes } from "../../units.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { JSON_OPTION, writeJson } from "../output.ts";
import { type Progress, startProgress } from "../progress.ts";
import { renderFields } from "../table.ts";

/** `sollol setup`: installs llama-server and ggml-rpc-server into a private directory. */
export const setupCommand: Command = defineCommand({
  name: "setup",
  summary: "Install llama.cpp's programs into a private directory; needs no root.",
  details:
    "Fetches llama-server and ggml-rpc-server as Debian builds them, and unpacks them into a directory of their " +
    "own: nothing else on this machine changes. If they are there and work, nothing is done.",
  options: {
    prefix: {
      type: "string",
      value: "DIR",
      description:
        "Where to install; default: llama_cpp.prefix of the configuration, or a directory of sollol's own.",
    },
    system: {
      type: "boolean",
      description: `Install for all users and services of this machine, into ${SYSTEM_PREFIX}; needs root.`,
    },
    suite: { type: "string", value: "NAME", description: "Debian suite to take the packages from." },
    force: {
      type: "boolean",
      short: "f",
      description: "Install anew even if a working installation is there.",
    },
    ...JSON_OPTION,
    ...CONFIG_FILE_OPTIONS,
  },
  examples: ["setup", "setup --system", "setup --prefix /srv/llama.cpp --force"],
  async run(context) {
    const { prefix: named, system: isForAll = false, suite, force, json } = context.options;
    if (isForAll && named !== undefined) {
      throw new UsageError("--system is a prefix of its own; leave out --prefix");
    }
    if (isForAll && Deno.uid() !== 0) throw new GatewayError("forbidden", ONLY_ROOT);
    const { config } = await loadConfigForCommand(context);
    const prefix = isForAll
      ? SYSTEM_PREFIX
      : resolve(named ?? config.llamaCpp.prefix ?? defaultPrefix(context.env));
    using _umask = isForAll ? openToOthers() : undefined;
    const result = await install({ prefix, suite, force }, context);
    if (json) writeJson(context, toJson(prefix, result));
    else context.stdout.write(toText(result));
    return 0;
  },
});

const ONLY_ROOT =
  `Cannot install into ${SYSTEM_PREFIX}: only root may; run "sudo sollol setup --system", or leave out ` +
  "--system to install for yourself";

async function install(
  options: { prefix: string; suite: string | undefined; force: boolean | undefined },
  { stderr, env, signal }: Parameters<Command["run"]>[0],
): Promise<SetupResult> {
  using progress = startProgress({ stderr, env }, `Looking for llama.cpp in ${options.prefix}`);
  return await setupLlamaCpp({ ...options, signal, onProgress: showSetup(progress) });
}

/** Lets other users execute what is written until it is disposed, whatever the shell's umask says. */
export function openToOthers(): Disposable {
  const before = Deno.umask(0o022);
  return { [Symbol.dispose]: () => void Deno.umask(before) };
}

/** Tells a person who waits what setup is doing; two lines are enough for all packages where no line is redrawn. */
export function showSetup(progress: Progress): (stage: SetupProgress) => void {
  return (stage) => {
    const isDetail = stage.stage === "download" && (stage.index - 1) % Math.ceil(stage.packageCount / 2) > 0;
    progress.update(describeStage(stage), { isDetail });
  };
}

function describeStage(progress: SetupProgress): string {
  switch (progress.stage) {
    case "wait":
      return "Waiting for another setup to end";
    case "lists":
      return `Fetching the package lists of ${progress.suite} from ${progress.mirror}`;
    case "resolve":
      return "Choosing packages";
    case "download":
      return `Fetching ${progress.name} (${progress.index} of ${progress.packageCount}, ` +
        `${formatBytes(progress.doneBytes)} of ${formatBytes(progress.totalBytes)} done)`;
    case "unpack":
      return `Unpacking ${progress.packageCount} packages`;
    case "verify":
      return "Trying the programs";
  }
}

function toJson(prefix: string, { installation, llamaServer, rpcServer, wasInstalled }: SetupResult) {
  const { version, suite, mirror, architecture, packages } = installation;
  return { prefix, wasInstalled, version, llamaServer, rpcServer, suite, mirror, architecture, packages };
}

function toText({ installation, llamaServer, rpcServer, wasInstalled }: SetupResult): string {
  return renderFields([
    ["llama.cpp", `${installation.version}, ${wasInstalled ? "was already installed" : "installed"}`],
    ["llama-server", llamaServer],
    ["rpc server", rpcServer],
    ["from", `Debian ${installation.suite} (${installation.architecture}), ${installation.mirror}`],
  ]);
}
