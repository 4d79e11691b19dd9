import { formatEndpoint, parseEndpoint } from "../rpc/endpoint.ts";

/** How layers are dealt: by memory, evenly, or so many to each device (`host:port`, or `host:port/1` for its second). */
export type PlacementSetting = "auto" | "even" | { readonly layers: Readonly<Record<string, number>> };

/**
 * Reads `auto`, `even`, or layers by backend in the order of the layers: `gpu1:50052=30,gpu1:50052/1=30,ram2=20`.
 *
 * @throws {RangeError} If it is none of these, or names a device twice.
 */
export function parsePlacement(text: string): PlacementSetting {
  const word = text.trim();
  if (word === "auto" || word === "even") return word;
  const entries = word.split(",").map(readShare);
  const repeated = entries.find(([device], index) =>
    entries.findIndex(([other]) => other === device) < index
  );
  if (repeated) throw new RangeError(`names "${repeated[0]}" twice; give each device one number of layers`);
  return { layers: Object.fromEntries(entries) };
}

const MAX_LAYER_COUNT = 512; // LLAMA_MAX_LAYERS

function readShare(text: string): [device: string, layerCount: number] {
  const [where = "", count, ...more] = text.trim().split("=");
  const layerCount = /^\d{1,3}$/.test(count?.trim() ?? "") ? Number(count) : NaN;
  const [endpoint = "", index, ...further] = where.trim().split("/");
  const isDevice = further.length === 0 && (index === undefined || /^\d{1,2}$/.test(index));
  if (more.length > 0 || !isDevice || !(layerCount <= MAX_LAYER_COUNT)) {
    throw new RangeError(
      `must be auto, even, or layers by backend such as "gpu1:50052=30,gpu2:50052=50", got "${text.trim()}"`,
    );
  }
  const name = formatEndpoint(parseEndpoint(endpoint));
  return [Number(index ?? 0) === 0 ? name : `${name}/${Number(index)}`, layerCount];
}
