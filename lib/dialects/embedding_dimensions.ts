const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The same answer to `POST /v1/embeddings` with shorter embeddings: cut, then of length 1 again, as Ollama does it.
 * Shorter ones stay as they are.
 *
 * @param dimensions Numbers of each; above 0.
 * @throws {SyntaxError} If it is no such answer.
 */
export function withDimensions(body: Uint8Array, dimensions: number): Uint8Array<ArrayBuffer> {
  const answer: unknown = JSON.parse(decoder.decode(body));
  const data = (answer as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) throw new SyntaxError("Cannot read embeddings: there is no list of them");
  const shortened = data.map((entry) => ({ ...entry, embedding: shorten(entry?.embedding, dimensions) }));
  return encoder.encode(JSON.stringify({ ...(answer as object), data: shortened }));
}

function shorten(embedding: unknown, dimensions: number): unknown {
  if (typeof embedding === "string") {
    const numbers = floatsIn(embedding);
    return numbers.length <= dimensions
      ? embedding
      : toBase64(Float32Array.from(normalized(numbers, dimensions)));
  }
  if (!Array.isArray(embedding) || embedding.some((number) => typeof number !== "number")) {
    throw new SyntaxError("Cannot read an embedding: want numbers, or base64");
  }
  return embedding.length <= dimensions ? embedding : normalized(embedding, dimensions);
}

function normalized(numbers: readonly number[], dimensions: number): number[] {
  const cut = numbers.slice(0, dimensions);
  const length = Math.sqrt(cut.reduce((sum, number) => sum + number ** 2, 0));
  return length === 0 ? cut : cut.map((number) => number / length);
}

/** Numbers of 32 bits, little-endian. @throws {SyntaxError} If it is no base64 of such. */
function floatsIn(base64: string): number[] {
  const bytes = bytesOf(base64);
  if (bytes.byteLength % 4 !== 0) throw new SyntaxError("Cannot read an embedding: its base64 is cut off");
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.byteLength / 4 }, (_, index) => view.getFloat32(index * 4, true));
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(base64);
  } catch (cause) {
    throw new SyntaxError("Cannot read an embedding: it is no base64", { cause });
  }
}

function toBase64(numbers: Float32Array): string {
  const view = new DataView(new ArrayBuffer(numbers.length * 4));
  numbers.forEach((number, index) => view.setFloat32(index * 4, number, true));
  return new Uint8Array(view.buffer).toBase64();
}
