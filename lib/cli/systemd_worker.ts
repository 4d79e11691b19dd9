import { isIP } from "node:net";
import { workerUnit } from "../../systemd/worker_unit.ts";
import { parseTimer } from "../config/fields.ts";
import { GatewayError, messageOf } from "../errors.ts";
import { formatAddress, parseUpstreamUrl } from "../http/address.ts";
import { resolveHost } from "../http/resolve_host.ts";
import { secretPath, WORKER_TOKEN } from "../systemd/secret_files.ts";
import type { SecretFile } from "../systemd/unit_set.ts";
import { readWorkerToken, TOKEN_VARIABLE } from "../worker/worker_token.ts";
import { VERSION } from "./build_info.ts";
import { UsageError } from "./command.ts";
import { readArgument } from "./output.ts";
import { askGatewayHealth } from "./systemd_gateway_health.ts";
import { COMMON_OPTIONS, memoryMaxOf, wordsOf } from "./systemd_options.ts";
import { defineRole, type RoleRequest, type RoleSpec } from "./systemd_role.ts";
import { readWorkerWishes, WORKER_OPTIONS } from "./worker_options.ts";

/** Passed on as they are. */
const PASSED_OPTIONS = {
  host: WORKER_OPTIONS.host,
  advertise: WORKER_OPTIONS.advertise,
  port: WORKER_OPTIONS.port,
  devices: WORKER_OPTIONS.devices,
  "per-device": WORKER_OPTIONS["per-device"],
  threads: WORKER_OPTIONS.threads,
  cache: WORKER_OPTIONS.cache,
  "log-level": WORKER_OPTIONS["log-level"],
  "log-format": WORKER_OPTIONS["log-format"],
} as const;

const OPTIONS = {
  gateway: WORKER_OPTIONS.gateway,
  token: WORKER_OPTIONS.token,
  "token-file": WORKER_OPTIONS["token-file"],
  "worker-name": WORKER_OPTIONS.name,
  drain: WORKER_OPTIONS.drain,
  check: {
    type: "boolean",
    negatable: true,
    description: "Ask the gateway first whether it is there; on unless negated.",
  },
  "rpc-server": WORKER_OPTIONS["rpc-server"],
  ...COMMON_OPTIONS,
  ...PASSED_OPTIONS,
} as const;

type Request = RoleRequest<typeof OPTIONS>;

/** The agent that lends this machine's devices to a gateway. */
export const workerRole: RoleSpec = defineRole({
  role: "worker",
  stem: "sollol-worker",
  summary: "The agent that lends this machine's devices to a gateway: sollol worker.",
  details:
    "The gateway knows of this machine as soon as it runs. Nobody but the gateway's addresses, as they are now, and " +
    "those of --allow can talk to it: the kernel shuts off everybody else. " +
    `The token is kept where only root can read it, and never stands in the unit; --token-file or ${TOKEN_VARIABLE} keep ` +
    "it out of the command line, too.",
  options: OPTIONS,
  examples: [
    "worker install --gateway http://10.0.0.2:11435 --token TOKEN",
    "worker install --gateway http://shelf:11435 --token-file token",
  ],
  async describe(request) {
    const { options, stem, place, purpose, ownProgram, llamaProgram, gpuAccess, warn } = request;
    if (options.gateway === undefined) {
      throw new UsageError("--gateway URL is missing: where is the gateway?");
    }
    const gateway = readArgument("--gateway", options.gateway, parseUpstreamUrl);
    readWorkerWishes({ ...NO_WISHES, ...options, name: options["worker-name"] });
    if (options.token !== undefined && purpose !== "status") warn(SEEN);
    const token = await readToken(request);
    const addresses = await findAddresses(gateway.address, request);
    if (purpose === "install" && options.check !== false && place.root === undefined) {
      await askGatewayHealth(gateway, request);
    }
    const { gpu, groups } = await gpuAccess();
    const unit = workerUnit({
      stem,
      manager: place.manager,
      version: VERSION,
      command: [await ownProgram()],
      gateway: urlOf(gateway, addresses),
      tokenPath: token.path,
      args: [
        ...wordsOf({ name: WORKER_OPTIONS.name }, { name: options["worker-name"] }),
        ...wordsOf(PASSED_OPTIONS, options),
        `--rpc-server=${await llamaProgram("rpcServer", { rpcServer: options["rpc-server"] })}`,
      ],
      drainMs: options.drain === undefined ? undefined : readArgument("--drain", options.drain, parseTimer),
      allow: [...addresses, ...options.allow],
      force: options.force,
      gpu,
      groups,
      memoryMaxBytes: memoryMaxOf(options),
    });
    return {
      files: [unit],
      enabled: [unit.name],
      services: [unit.name],
      secrets: token.secrets,
      recorded: { "token-file": token.path },
    };
  },
});

const NO_WISHES = { once: undefined, setup: undefined, json: undefined, config: undefined, set: [] } as const;

const SEEN = "every user of this machine could see --token while this ran, and your shell may keep it; " +
  `--token-file and ${TOKEN_VARIABLE} avoid that`;

/** The token as a file for systemd: the one that was named, one to be written, or the one of an earlier installation. */
async function readToken(
  { options, env, host, place, stem, purpose }: Request,
): Promise<{ path: string | undefined; secrets: readonly SecretFile[] }> {
  const { token, "token-file": tokenFile } = options;
  if (token === undefined && tokenFile !== undefined) {
    if (purpose === "install") {
      await readWorkerToken({ token, tokenFile: (place.root ?? "") + tokenFile, env });
    }
    return { path: tokenFile, secrets: [] };
  }
  const text = purpose === "status" ? undefined : await readWorkerToken({ token, tokenFile, env });
  const { seen, real } = secretPath(place, stem, WORKER_TOKEN);
  if (text !== undefined) return { path: seen, secrets: [{ path: real, text: `${text}\n` }] };
  return { path: await host.readInfo(real) ? seen : undefined, secrets: [] };
}

/** The kernel knows no names, so what the gateway's leads to now is what counts. */
async function findAddresses(
  address: ReturnType<typeof parseUpstreamUrl>["address"],
  { signal, warn, purpose }: Request,
): Promise<readonly string[]> {
  if (address.transport === "unix") {
    throw new UsageError("--gateway: a worker joins over the network; write http://HOST:PORT");
  }
  const { hostname } = address;
  if (isIP(hostname) !== 0) return [hostname];
  const found = await resolveHost(hostname, { refuses: () => undefined }, signal).catch((error) => {
    signal.throwIfAborted();
    throw new GatewayError(
      "upstream_failed",
      `Cannot find the gateway: "${hostname}" has no address (${
        messageOf(error)
      }); give one instead of the name`,
      { cause: error },
    );
  });
  const addresses = [...new Set(found)];
  if (purpose !== "status") {
    warn(
      `"${hostname}" is ${
        addresses.join(", ")
      } now, and that is what is written; install again if it changes`,
    );
  }
  return addresses;
}

/** With an address instead of a name, because the service may not ask a name server. */
function urlOf(
  { address, basePath }: ReturnType<typeof parseUpstreamUrl>,
  [first]: readonly string[],
): string {
  // A certificate is for the name.
  if (address.transport === "unix" || address.tls || first === undefined) {
    return formatAddress(address) + basePath;
  }
  return formatAddress({ ...address, hostname: first }) + basePath;
}
