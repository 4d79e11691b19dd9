import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import { parsedBy } from "../parsed_by.ts";
import { parseMemoryLimit } from "../rpc/backend_registration.ts";
import { parseNodeUrl } from "./node_url.ts";

/** An Ollama node that an operator wants known, and what they say of it. Only what was said. */
export interface NodeRegistration {
  /** As `parseNodeUrl()` writes it. */
  readonly url: string;
  /** What it is called. */
  readonly name?: string | undefined;
  /** Most requests that it gets at a time. */
  readonly slotCount?: number | undefined;
  /** How much more than others it is given. */
  readonly weight?: number | undefined;
  /** What it is called to route by. */
  readonly tags?: readonly string[] | undefined;
  /** Patterns with `*` of the models that it may serve. */
  readonly models?: readonly string[] | undefined;
  /** Its memory for models. */
  readonly memoryBytes?: number | undefined;
}

/** Lists of one registration: more would be a mistake, and cost every decision. */
const MAX_ELEMENTS = 64;
/** Where requests can be sent by these words, a node of that name could not be meant. */
const RESERVED: ReadonlySet<string> = new Set(["node", "sharded"]);

/**
 * Reads what a node is to be called.
 *
 * @throws {RangeError} If it is no name that fits into a header and a path, or has a meaning of its own there.
 */
export function parseNodeName(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(text)) {
    throw new RangeError("must be letters, digits, _ . -, 63 at most, and begin with a letter or digit");
  }
  if (isReservedName(text)) {
    throw new RangeError(`must not be "${text}", which x-sollol-route understands otherwise`);
  }
  return text;
}

/** Whether `x-sollol-route` means something else by it. */
export function isReservedName(name: string): boolean {
  return RESERVED.has(name.toLowerCase());
}

const words = z.array(z.string().max(512).regex(/\S/, { error: "must not be empty" })).max(MAX_ELEMENTS);

/** The body that registers a node: `{"url": "192.168.1.10"}`, and what the operator says of it. */
export const nodeRegistration: JsonShape<NodeRegistration> = z.strictObject({
  url: z.string().max(2_000).transform(parsedBy(parseNodeUrl)).describe("URL or host[:port]."),
  name: z.string().max(100).transform(parsedBy(parseNodeName)).optional().describe("What it is called."),
  slots: z.int().min(1).max(10_000).optional().describe("Most requests that it gets at a time."),
  weight: z.number().positive().max(1_000).optional().describe("How much more than others it is given."),
  tags: words.optional().describe("Words to route by."),
  models: words.optional().describe("Models that it may serve, with * for any text."),
  memory: z.union([z.string().max(40), z.number()], { error: 'must be a size, such as "24GiB"' })
    .transform(parsedBy((said) => parseMemoryLimit(String(said)))).optional()
    .describe("Its memory for models, as a size."),
}).transform(({ slots: slotCount, memory: memoryBytes, ...said }) => ({
  ...said,
  ...(slotCount !== undefined && { slotCount }),
  ...(memoryBytes !== undefined && { memoryBytes }),
}));
