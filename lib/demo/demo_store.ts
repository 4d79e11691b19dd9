import { join } from "node:path";
import { buildTinyModel } from "../gguf/tiny_model.ts";
import { sha256 } from "../sha256.ts";

/** The model that the demo serves, as clients name it. */
export const DEMO_MODEL = "tiny";

/** What {@linkcode writeDemoStore} left. */
export interface DemoStore {
  /** The model's blob, a GGUF file. */
  readonly modelPath: string;
}

/** Writes the tiny model into a new Ollama-shaped store in `directory`, as `ollama pull` would have left it. */
export async function writeDemoStore(directory: string): Promise<DemoStore> {
  await Deno.mkdir(join(directory, "blobs"), { recursive: true });
  const manifestDirectory = join(directory, "manifests/registry.ollama.ai/library", DEMO_MODEL);
  await Deno.mkdir(manifestDirectory, { recursive: true });
  const layer = (type: string, bytes: Uint8Array): Promise<ManifestLayer> =>
    writeLayer(directory, type, bytes);
  const details = { model_format: "gguf", model_family: "llama", model_type: "1.3M", file_type: "F16" };
  const model = await layer("application/vnd.ollama.image.model", buildTinyModel());
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    config: await layer("application/vnd.docker.container.image.v1+json", encode(details)),
    layers: [
      model,
      await layer("application/vnd.ollama.image.params", encode({ num_ctx: 4096 })),
    ],
  };
  await Deno.writeFile(join(manifestDirectory, "latest"), encode(manifest));
  return { modelPath: join(directory, "blobs", model.digest.replace(":", "-")) };
}

interface ManifestLayer {
  mediaType: string;
  digest: string;
  size: number;
}

async function writeLayer(directory: string, mediaType: string, bytes: Uint8Array): Promise<ManifestLayer> {
  const hex = sha256(bytes);
  await Deno.writeFile(join(directory, "blobs", `sha256-${hex}`), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.byteLength };
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
