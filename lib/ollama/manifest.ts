import * as z from "zod";

/** `sha256:` and 64 hex digits, as {@linkcode isDigest} checked: no other text becomes part of a blob's path. */
export type Digest = `sha256:${string}` | `sha256-${string}`;

/** One entry of a manifest: the digest of a blob, and how large the blob must be. */
export interface ManifestLayer {
  /** SHA-256 of the blob's content, and its name. */
  readonly digest: Digest;
  /** Length that the blob must have. */
  readonly sizeBytes: number;
}

/** What a manifest says that a model consists of. */
export interface Manifest {
  /** Facts about the model; absent in very old manifests. */
  readonly config: ManifestLayer | undefined;
  /** GGUF files. One, except in a stub (none) or in a manifest that is ambiguous (several). */
  readonly models: readonly ManifestLayer[];
  /** GGUF files that turn images or sound into embeddings; llama-server's `--mmproj`. */
  readonly projectors: readonly ManifestLayer[];
  /** LoRA adapters in GGUF form, all of which apply. */
  readonly adapters: readonly ManifestLayer[];
  /** Model for speculative decoding. */
  readonly draft: ManifestLayer | undefined;
  /** Later ones override earlier ones. */
  readonly params: readonly ManifestLayer[];
  /** Go `text/template`. */
  readonly template: ManifestLayer | undefined;
  /** Default system message, plain text. */
  readonly system: ManifestLayer | undefined;
  /** JSON array of messages that come before each chat. */
  readonly messages: ManifestLayer | undefined;
  /** Plain texts. */
  readonly licenses: readonly ManifestLayer[];
  /** Manifest layers that each hold one tensor in safetensors form. */
  readonly tensorCount: number;
  /** Sum over all manifest layers and the config: what Ollama calls the model's size. */
  readonly sizeBytes: number;
  /** Sentences about what was left out. */
  readonly warnings: readonly string[];
}

/** The bytes are no manifest. */
export class ManifestSyntaxError extends SyntaxError {
  /** Tells it from other syntax errors. */
  override readonly name = "ManifestSyntaxError";

  /**
   * Makes the error of one manifest.
   *
   * @param message What is wrong with it.
   * @param isCutShort The text is no whole JSON value. Ollama truncates a manifest and then writes it, so that a reader may
   * see it empty or by half for a moment: read again before calling it corrupt.
   * @param options The parser's error as `cause`.
   */
  constructor(message: string, readonly isCutShort: boolean, options?: ErrorOptions) {
    super(message, options);
  }
}

const LAYER_TYPE_PREFIX = "application/vnd.ollama.image.";

const digest = z.custom<Digest>((value) => typeof value === "string" && isDigest(value), {
  error: ({ input }) => `want "sha256:" and 64 hex digits, got ${String(JSON.stringify(input)).slice(0, 90)}`,
});
const size = z.int().nonnegative();
const layer = z.object({ mediaType: z.string(), digest, size }).transform(({ mediaType, digest, size }) => ({
  type: mediaType.startsWith(LAYER_TYPE_PREFIX) ? mediaType.slice(LAYER_TYPE_PREFIX.length) : "",
  digest,
  sizeBytes: size,
}));
const config = z.object({ digest, size }).transform(({ digest, size }) => ({ digest, sizeBytes: size }));
const schema = z.object({
  config: z.preprocess(dropNoConfig, config.optional()),
  layers: z.array(layer).nullish().transform((layers) => layers ?? []),
});

/**
 * Decodes a manifest. Media types that nobody knows are ignored, as Ollama does.
 *
 * @throws {ManifestSyntaxError} If it is not JSON, not a manifest, or names a blob by anything but a digest.
 * @see manifest/manifest.go and GetModel in server/images.go, ollama 0.33
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const { config, layers } = parseManifest(bytes);
  const all = (...types: string[]): ManifestLayer[] =>
    layers.filter(({ type }) => types.includes(type)).map(({ digest, sizeBytes }) => ({ digest, sizeBytes }));
  return {
    config,
    models: all("model"),
    projectors: all("projector"),
    adapters: all("adapter"),
    draft: all("draft").at(-1),
    params: all("params"),
    template: all("template", "prompt").at(-1),
    system: all("system").at(-1),
    messages: all("messages").at(-1),
    licenses: all("license"),
    tensorCount: all("tensor").length,
    sizeBytes: layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, config?.sizeBytes ?? 0),
    warnings: all("embed").length > 0 ? ["stored embeddings ignored: Ollama no longer uses them"] : [],
  };
}

/** Whether the text is a digest; the separator may be `:` or, as in file names, `-`. */
export function isDigest(text: string): text is Digest {
  return /^sha256[:-][0-9a-fA-F]{64}$/.test(text);
}

/**
 * The file names under `blobs/` that may hold this content, likeliest first. Hex digits keep their case.
 *
 * Ollama wrote `sha256:…` until 0.1.30 and `sha256-…` since; a store that no newer server has opened still
 * holds the old spelling.
 *
 * @see manifest/paths.go in ollama 0.33
 */
export function blobFileNames(digest: Digest): [current: string, legacy: string] {
  const hex = digest.slice("sha256:".length);
  return [`sha256-${hex}`, `sha256:${hex}`];
}

function parseManifest(bytes: Uint8Array): z.output<typeof schema> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const what = bytes.byteLength === 0
      ? "it is empty"
      : `its ${bytes.byteLength} bytes are not one JSON value`;
    throw new ManifestSyntaxError(`Cannot decode manifest: ${what}`, true, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.length ? `${issue.path.join(".")}: ` : "";
  throw new ManifestSyntaxError(`Cannot decode manifest: ${path}${issue?.message}`, false);
}

/** Very old manifests hold a config whose digest is empty: there is none. */
function dropNoConfig(raw: unknown): unknown {
  return (raw as { digest?: unknown } | null)?.digest === "" ? undefined : raw ?? undefined;
}
