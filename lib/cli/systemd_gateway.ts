import { join, resolve } from "node:path";
import type { Credential } from "../../systemd/credential.ts";
import { gatewayUnits } from "../../systemd/gateway_units.ts";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { configKeys } from "../config/keys.ts";
import type { ConfigFromDisk } from "../config/load.ts";
import { GatewayError, messageOf } from "../errors.ts";
import { findModelRoots, thisMachine } from "../ollama/locations.ts";
import { whyOutOfReach } from "../systemd/service_reach.ts";
import { findStoreAccess } from "../systemd/store_access.ts";
import { VERSION } from "./build_info.ts";
import { UsageError } from "./command.ts";
import { CONFIG_OPTIONS, loadConfigForCommand } from "./config_flags.ts";
import { assertFile } from "./systemd_files.ts";
import { COMMON_OPTIONS, memoryMaxOf, wordsOf } from "./systemd_options.ts";
import { defineRole, type RoleRequest, type RoleSpec } from "./systemd_role.ts";

const { config: CONFIG_OPTION, "state-dir": _chosenBySystemd, ...SERVE_OPTIONS } = CONFIG_OPTIONS;

const OPTIONS = {
  credential: {
    type: "string",
    value: "NAME=PATH",
    multiple: true,
    description: "A secret that systemd hands to the gateway; the config names it by credential: NAME.",
  },
  socket: {
    type: "string",
    value: "ADDRESS:PORT",
    description:
      "Have systemd listen there for the gateway: clients wait while it restarts, and none is refused.",
  },
  ...COMMON_OPTIONS,
  config: {
    ...CONFIG_OPTION,
    description: "Config file of the gateway; default: /etc/sollol/config.yaml if it is there.",
  },
  ...SERVE_OPTIONS,
} as const;

type Request = RoleRequest<typeof OPTIONS>;

/** The gateway itself. */
export const gatewayRole: RoleSpec = defineRole({
  role: "gateway",
  stem: "sollol",
  summary: "The gateway: sollol serve.",
  details:
    "It runs as a user of its own that has no rights but to read models. The configuration is checked first, as the " +
    "service will see it: options that are given here become options of sollol serve. " +
    "Secrets belong into files that only root may read, named by --credential.",
  options: OPTIONS,
  examples: [
    "gateway install",
    "gateway install --credential chat=/etc/sollol/chat.key",
    "gateway install --user --listen 11435",
  ],
  async describe(request) {
    const { options, stem, place, host, signal, ownProgram, gpuAccess } = request;
    const { config, path } = await loadAsService(request);
    if (path !== undefined) await assertReadable(path.slice(place.root?.length ?? 0), request);
    assertNoSecrets(options, config);
    const credentials = await Promise.all(options.credential.map((text) => readCredential(text, request)));
    assertHandedOver(config, credentials, request);
    await findLlamaServer(request, config);
    const store = await findStoreAccess(host, await findRoots(config, request), {
      manager: place.manager,
      signal,
    });
    if (request.purpose !== "status") store.warnings.forEach(request.warn);
    const { gpu, groups } = await gpuAccess();
    const files = gatewayUnits({
      stem,
      manager: place.manager,
      version: VERSION,
      command: [await ownProgram()],
      configPath: options.config,
      args: wordsOf(SERVE_OPTIONS, options),
      drainMs: config.timeouts.drainMs,
      credentials,
      socket: options.socket,
      allow: options.allow.length === 0 ? undefined : options.allow,
      gpu,
      groups: [...new Set([...groups, ...store.groups])],
      readablePaths: store.paths,
      memoryMaxBytes: memoryMaxOf(options),
    });
    const credentialTexts = credentials.map(({ name, path }) => `${name}=${path}`);
    return {
      files,
      enabled: files.map(({ name }) => name),
      services: [files[0]!.name],
      secrets: [],
      recorded: { credential: credentialTexts },
    };
  },
});

/** Variables as the service has them: those of the person who installs it mean nothing to it. */
function serviceEnvironment({ stem, place, env }: Request): Environment {
  if (place.manager === "system") return { STATE_DIRECTORY: `/var/lib/${stem}` };
  const { HOME, XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME } = env;
  return { HOME, XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME };
}

async function loadAsService(request: Request): Promise<ConfigFromDisk> {
  const { options, place: { root }, host } = request;
  const usual = join(root ?? "/", "etc/sollol/config.yaml");
  const there = options.config !== undefined
    ? (root ?? "") + options.config
    : root !== undefined && await host.readInfo(usual)
    ? usual
    : undefined;
  const loaded = await loadConfigForCommand({
    options: { ...options, config: there },
    env: serviceEnvironment(request),
  });
  if (request.purpose !== "status") loaded.warnings.forEach(request.warn);
  return loaded;
}

/** A unit and the list of processes are for everybody to read. @throws {UsageError} If a secret would stand there. */
function assertNoSecrets({ set }: Request["options"], config: Config): void {
  const { auth, ollamaNodes, coordinators } = config;
  const isSecret = (path: string) =>
    configKeys().some((key) => key.path === path && key.format === "secret") ||
    (path === "auth.keys" && auth.keys.some(({ source }) => source.kind === "key")) ||
    (path === "ollama_nodes" && ollamaNodes.some(({ apiKey }) => apiKey !== undefined)) ||
    (path === "coordinators" && coordinators.some(({ apiKey }) => apiKey !== undefined));
  const secret = set.map((setting) => setting.split("=")[0]!).find(isSecret);
  if (secret === undefined) return;
  throw new UsageError(
    `--set ${secret}: every user of this machine could read it in the unit; put it into a file that --credential names`,
  );
}

/** Without its credentials the gateway would not start. */
function assertHandedOver(
  { auth }: Config,
  credentials: readonly Credential[],
  { purpose, warn }: Request,
): void {
  const wanted = auth.keys.flatMap(({ source }) => source.kind === "credential" ? [source.name] : []);
  const missing = wanted.find((wanted) => !credentials.some(({ name }) => name === wanted));
  if (missing === undefined || purpose === "status") return;
  const complaint =
    `the config names the credential "${missing}", and nobody hands it over; add --credential ${missing}=PATH`;
  if (purpose === "print") return warn(complaint);
  throw new GatewayError("invalid_request", `Cannot install the gateway: ${complaint}`);
}

async function assertReadable(path: string, { host, place, purpose }: Request): Promise<void> {
  if (purpose !== "install") return;
  const trouble = await whyOutOfReach(host, { path, ...place, isProgram: false });
  if (trouble === undefined) return;
  throw new GatewayError(
    "invalid_request",
    `The gateway cannot read its config "${path}": ${trouble}. Move it to /etc/sollol/config.yaml with mode 644, and ` +
      "its secrets into files that --credential names",
  );
}

async function readCredential(text: string, request: Request): Promise<Credential> {
  const [, name, path] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || path === undefined) {
    throw new UsageError(`--credential needs NAME=PATH, got "${text.slice(0, 80)}"`);
  }
  const file = resolve(path);
  await assertFile(file, `the secret "${name}"`, request);
  return { name, path: file };
}

/** A gateway without llama-server still serves whole models, so its absence is only told. */
async function findLlamaServer(
  { llamaProgram, warn, purpose, signal }: Request,
  config: Config,
): Promise<void> {
  if (!config.modelShardingEnabled || config.coordinatorUrl !== undefined || purpose === "status") return;
  try {
    await llamaProgram("llamaServer", config.llamaCpp);
  } catch (error) {
    signal.throwIfAborted();
    warn(`models cannot be spread over rpc backends: ${messageOf(error)}`);
  }
}

async function findRoots(config: Config, request: Request): Promise<readonly string[]> {
  if (config.models.length > 0) return config.models;
  if (request.place.root !== undefined) return [];
  return (await findModelRoots(thisMachine(serviceEnvironment(request)))).roots.map(({ path }) => path);
}
