import * as z from "zod";
import { parsedBy } from "../parsed_by.ts";
import type { JsonShape } from "../json_shape.ts";
import { MIB, parseBytes } from "../units.ts";
import type { BackendLimits } from "./backend.ts";
import { DEFAULT_RPC_PORT, type Endpoint, parseNamedEndpoint } from "./endpoint.ts";

/** Less is no use for a layer; who writes `15` has forgotten the unit. */
const MIN_MEMORY_LIMIT_BYTES = MIB;
const MIN_BYTES_PER_SECOND = 1_000;

/** An rpc backend that an operator wants known, and what they say of it. */
export interface BackendRegistration {
  /** Where it is. */
  readonly endpoint: Endpoint;
  /** Only what was said. */
  readonly limits: Partial<BackendLimits>;
}

/**
 * Reads the most memory that may be planned onto a backend, such as `15GiB`.
 *
 * @throws {RangeError} If the text is no size, or less than a MiB.
 */
export function parseMemoryLimit(text: string): number {
  return atLeast(MIN_MEMORY_LIMIT_BYTES, "a MiB", text, parseBytes(text));
}

/**
 * Reads how fast weights reach a backend: `110MB` or `110MB/s`.
 *
 * @returns Bytes per second.
 * @throws {RangeError} If the text is no size, or less than a kB.
 */
export function parseBandwidth(text: string): number {
  return atLeast(MIN_BYTES_PER_SECOND, "a kB per second", text, parseBytes(text.replace(/\/s\s*$/, "")));
}

/**
 * The body that registers a backend: `{"endpoint": "192.168.1.20:50052"}` or `{"host": "192.168.1.20", "port": 50052}`,
 * and what the operator allows. `null` takes a limit back.
 */
export const backendRegistration: JsonShape<BackendRegistration> = z.strictObject({
  endpoint: z.string().max(300).transform(parsedBy(parseNamedEndpoint)).optional()
    .describe("host:port, IPv4 only."),
  host: z.string().max(253).optional().describe("Instead of endpoint."),
  port: z.int().min(1).max(65_535).optional().describe(`Beside host; default ${DEFAULT_RPC_PORT}.`),
  memory: sizeField(parseMemoryLimit).describe("Most that may be planned onto it, as a size."),
  bandwidth: sizeField(parseBandwidth).describe("How fast weights reach it, as a size per second."),
  exclude: z.boolean().optional().describe("Whether no model may be planned onto it."),
}).transform((said, context) => {
  const endpoint = parsedBy(() => said.endpoint ?? endpointOf(said))(undefined, context);
  if (said.endpoint && (said.host ?? said.port) !== undefined) {
    context.addIssue({ code: "custom", message: "has both endpoint and host or port; write one of them" });
  }
  return {
    endpoint,
    limits: {
      ...(said.memory !== undefined && { memoryLimitBytes: said.memory ?? undefined }),
      ...(said.bandwidth !== undefined && { bytesPerSecond: said.bandwidth ?? undefined }),
      ...(said.exclude !== undefined && { isExcluded: said.exclude }),
    },
  };
});

function endpointOf(
  { host, port = DEFAULT_RPC_PORT }: { host?: string | undefined; port?: number | undefined },
) {
  if (host === undefined) throw new RangeError('must say "endpoint", such as "192.168.1.20:50052"');
  return parseNamedEndpoint(`${host}:${port}`);
}

function sizeField(parse: (text: string) => number) {
  return z.union([z.string().max(40), z.number()], { error: 'must be a size, such as "15GiB"' })
    .transform(parsedBy((said) => parse(String(said)))).nullable().optional();
}

function atLeast(minBytes: number, least: string, text: string, bytes: number): number {
  if (bytes >= minBytes) return bytes;
  throw new RangeError(`"${text}" is less than ${least}; write the unit too, for example "15GiB" or "110MB"`);
}
