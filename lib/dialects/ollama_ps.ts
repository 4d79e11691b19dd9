import { displayName } from "../ollama/model_name.ts";
import { toWanted } from "../ollama/model_source.ts";

/** A model that somebody has in memory. */
export interface RunningModel {
  /** Canonical key: equal for one model, whatever the spelling. */
  readonly key: string;
  /** Its name in any spelling. */
  readonly name: string;
  /** Who has it there. */
  readonly by: { readonly node: string } | { readonly coordinator: string };
  /** Weights, KV cache and buffers, bytes. */
  readonly sizeBytes: number;
  /** The part of it that is on GPUs, bytes. */
  readonly vramBytes: number;
  /** Tokens of one slot; `undefined` where nobody told. */
  readonly contextLength: number | undefined;
  /** When it is unloaded if nobody asks, ms since 1970; `Infinity` for never. */
  readonly expiresAtMs: number;
  /** SHA-256 of its manifest, hex; `undefined` where there is none. */
  readonly digest: string | undefined;
  /** The GGUF's architecture. */
  readonly family: string | undefined;
  /** Number of parameters for people: `8.0B`. */
  readonly parameterSize: string | undefined;
  /** Such as `Q4_K_M`. */
  readonly quantization: string | undefined;
}

/** One entry of Ollama's list of models in memory; what is not known is empty, or 0. */
export interface OllamaProcess {
  /** With its tag. */
  readonly name: string;
  /** The same. */
  readonly model: string;
  /** Bytes, where it stays longest. */
  readonly size: number;
  /** SHA-256 of its manifest, hex. */
  readonly digest: string;
  /** What else is known. */
  readonly details: {
    readonly parent_model: "";
    readonly format: "gguf";
    readonly family: string;
    readonly families: readonly string[] | null;
    readonly parameter_size: string;
    readonly quantization_level: string;
  };
  /** RFC 3339; three hundred years from now for never. */
  readonly expires_at: string;
  /** Bytes of `size` that are on GPUs. */
  readonly size_vram: number;
  /** Tokens of one slot. */
  readonly context_length: number;
  /** Ours: names of all that have it in memory. */
  readonly sollol: { readonly nodes: readonly string[]; readonly coordinators: readonly string[] };
}

/** What Ollama adds to the present where a model stays for ever: the most nanoseconds that 64 bits hold, in ms. */
const FOREVER_MS = 2 ** 63 / 1e6;

/**
 * Renders the answer to `GET /api/ps`: what stays longest comes first. A model that several have is one entry, since
 * clients take a name for one model: its figures are those of who keeps it longest.
 *
 * @param nowMs Since 1970.
 * @see `PsHandler` in server/routes.go, ollama 0.33
 */
export function ollamaProcesses(
  models: readonly RunningModel[],
  nowMs: number,
): { readonly models: readonly OllamaProcess[] } {
  const byExpiry = models.toSorted((one, other) =>
    laterFirst(one, other) || (one.name < other.name ? -1 : 1)
  );
  const groups = Map.groupBy(byExpiry, ({ key }) => key);
  return { models: [...groups.values()].map((group) => processOf(group, nowMs)) };
}

/** Two that stay for ever would differ by NaN. */
function laterFirst({ expiresAtMs: one }: RunningModel, { expiresAtMs: other }: RunningModel): number {
  return one === other ? 0 : other - one;
}

function processOf(group: readonly RunningModel[], nowMs: number): OllamaProcess {
  const longest = group[0]!;
  const name = fullName(longest.name);
  const { family = "" } = longest;
  return {
    name,
    model: name,
    size: longest.sizeBytes,
    digest: longest.digest ?? "",
    details: {
      parent_model: "",
      format: "gguf",
      family,
      families: family === "" ? null : [family],
      parameter_size: longest.parameterSize ?? "",
      quantization_level: longest.quantization ?? "",
    },
    expires_at: new Date(Math.min(longest.expiresAtMs, nowMs + FOREVER_MS)).toISOString(),
    size_vram: Math.min(longest.vramBytes, longest.sizeBytes),
    context_length: longest.contextLength ?? 0,
    sollol: {
      nodes: group.flatMap(({ by }) => "node" in by ? [by.node] : []),
      coordinators: group.flatMap(({ by }) => "coordinator" in by ? [by.coordinator] : []),
    },
  };
}

/** The name of a GGUF file need not be one that Ollama would give, and has no tag then. */
function fullName(text: string): string {
  const { name } = toWanted(text);
  return name ? displayName(name) : text;
}
