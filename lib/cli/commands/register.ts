import { parseBandwidth, parseMemoryLimit } from "../../rpc/backend_registration.ts";
import { type Endpoint, formatEndpoint } from "../../rpc/endpoint.ts";
import { type Command, type CommandContext, defineCommand, type ExitCode, UsageError } from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GatewayApi, type RegistrationFields } from "../gateway_api.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { JSON_OPTION, readArgument, writeJson } from "../output.ts";
import { readEndpoints } from "../read_endpoints.ts";
import { registerAll, registrationToJson, renderRegistrations } from "../registrations.ts";
import { painter, printable } from "../terminal.ts";

/** `sollol register`: tells a gateway that runs of rpc backends. */
export const registerCommand: Command = defineCommand({
  name: "register",
  summary: "Tell a gateway that runs of rpc backends.",
  details:
    "The gateway remembers them, also over a restart, and says how they are. A limit that is given to a backend " +
    "that is known already replaces the old one.\n\n" +
    "Ends with 0 only if all of them are registered and up, or in use by the gateway. One that is not stays registered.",
  positionals: [{ name: "HOST:PORT", multiple: true }],
  options: {
    memory: {
      type: "string",
      value: "SIZE",
      description: "Most memory of each of them that may be used, such as 15GiB; default: all that is free.",
    },
    bandwidth: {
      type: "string",
      value: "SIZE",
      description: "How much of a model reaches each of them in a second, such as 110MB; default: measured.",
    },
    remove: { type: "boolean", description: "Make the gateway forget them instead." },
    ...JSON_OPTION,
    ...GATEWAY_OPTIONS,
    ...CONFIG_FILE_OPTIONS,
  },
  examples: [
    "register 192.168.1.20:50052 --gateway http://192.168.1.2:11435",
    "register gpu1 gpu2 --memory 15GiB --bandwidth 110MB",
    "register 192.168.1.20:50052 --remove",
  ],
  async run(context) {
    const { memory, bandwidth, remove: isRemoval } = context.options;
    if (memory !== undefined) readArgument("--memory", memory, parseMemoryLimit);
    if (bandwidth !== undefined) readArgument("--bandwidth", bandwidth, parseBandwidth);
    if (isRemoval && (memory ?? bandwidth) !== undefined) {
      throw new UsageError("--remove takes no --memory and no --bandwidth");
    }
    const endpoints = readEndpoints("HOST:PORT", context.args);
    if (endpoints.length === 0) throw new UsageError("HOST:PORT is missing");
    const { config } = await loadConfigForCommand(context);
    using api = GatewayApi.of(context.options, config, context);
    return isRemoval
      ? await remove(api, endpoints, context)
      : await register(api, endpoints, { memory, bandwidth }, context);
  },
});

type Context = Pick<CommandContext, "stdout" | "env" | "options">;

async function register(
  api: GatewayApi,
  endpoints: readonly Endpoint[],
  fields: RegistrationFields,
  context: Context,
): Promise<ExitCode> {
  const registrations = await registerAll(api, endpoints, fields);
  const { stdout, env, options } = context;
  if (options["json"]) writeJson(context, registrations.map(registrationToJson));
  else stdout.write(renderRegistrations(registrations, painter(stdout, env)));
  return registrations.every(({ isUsable }) => isUsable) ? 0 : 1;
}

/** One by one: a refusal, with the gateway's reason, ends it. */
async function remove(api: GatewayApi, endpoints: readonly Endpoint[], context: Context): Promise<ExitCode> {
  const isJson = context.options["json"] === true;
  const removals = [];
  for (const endpoint of endpoints) {
    const { outcome, reason } = await api.removeBackend(endpoint);
    removals.push({ endpoint: formatEndpoint(endpoint), outcome, reason });
    if (!isJson) context.stdout.write(`${printable(reason)}\n`);
  }
  if (isJson) writeJson(context, removals);
  return 0;
}
