import * as z from "zod";
import { parsedBy } from "../../parsed_by.ts";
import { type BackendLimits, UNLIMITED } from "../../rpc/backend.ts";
import { parseBandwidth, parseMemoryLimit } from "../../rpc/backend_registration.ts";
import { DEFAULT_RPC_PORT, type Endpoint, parseNamedEndpoint } from "../../rpc/endpoint.ts";
import { duration, size, text, textField } from "./field_kinds.ts";

/** One of `rpc_backends`. */
export const rpcBackend = z.union([
  text(),
  z.strictObject({
    host: text().describe("Host name or IPv4 address."),
    port: z.int().min(1).max(65_535).default(DEFAULT_RPC_PORT)
      .describe(`TCP port; default ${DEFAULT_RPC_PORT}.`),
    memory: textField(parseMemoryLimit).optional()
      .describe("Most memory to plan with there, as a size; default: all that is free."),
    exclude: z.boolean().default(false)
      .describe("Whether no model is to be planned onto it; default false."),
    bandwidth: textField(parseBandwidth).optional()
      .describe("How fast weights reach it, as a size per second; default: measured at each load."),
  }),
], { error: 'must be "host:port" or {host, port}' }).transform(parsedBy(backendOf));

/** `rpc`. */
export const rpc = z.strictObject({
  trust: duration().prefault("5m")
    .describe("For how long a backend that was up is not asked again, as a duration; default 5m."),
  max_probes: z.int().min(1).max(60).default(48)
    .describe("Backends that are asked at the same time; default 48."),
  reserve: size(0).prefault("512MiB")
    .describe("Memory of each device that plans leave free, as a size; default 512MiB."),
}).transform((said) => ({
  trustMs: said.trust,
  maxProbes: said.max_probes,
  reserveBytes: said.reserve,
}));

interface SaidBackend extends Endpoint {
  readonly memory?: number | undefined;
  readonly exclude: boolean;
  readonly bandwidth?: number | undefined;
}

function backendOf(said: string | SaidBackend): Endpoint & { readonly limits: BackendLimits } {
  if (typeof said === "string") return { ...parseNamedEndpoint(said), limits: UNLIMITED };
  const { host, port, memory: memoryLimitBytes, exclude: isExcluded, bandwidth: bytesPerSecond } = said;
  return {
    ...parseNamedEndpoint(`${host}:${port}`),
    limits: { memoryLimitBytes, isExcluded, bytesPerSecond },
  };
}
