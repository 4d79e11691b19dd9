import { join } from "node:path";
import { mapConcurrently } from "../concurrent.ts";
import { type ModelName, nameOfSegments, segmentsOfName } from "./model_name.ts";
import { readNames } from "./store_file.ts";

/** Reads in flight while listing: more gain nothing on a local disk, fewer are slow on a network one. */
const READS_IN_FLIGHT = 16;

/** Where a manifest is, and the name that its path spells. */
export interface LocatedManifest {
  /** Path of the manifest; nothing says yet that a file is there. */
  readonly path: string;
  /** Its last four segments. */
  readonly name: ModelName;
}

/** The tree `manifests/<host>/<namespace>/<model>/<tag>`, by names only: no manifest is opened. */
export class ManifestTree {
  readonly #root: string;

  /** Nothing is read before the first question. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Where the manifest must be if it is spelled exactly so. */
  locate(name: ModelName): LocatedManifest {
    return { path: join(this.#root, ...segmentsOfName(name)), name };
  }

  /**
   * The manifests whose four parts all match when case is ignored, sorted by their bytes. (Ollama matches each part
   * on its own, perhaps from different manifests and in random order; with two spellings its choice is chance.)
   */
  async locateFolded(name: ModelName): Promise<LocatedManifest[]> {
    const wanted = segmentsOfName(name).map((segment) => segment.toLowerCase());
    return await this.#descend((segment, depth) => segment.toLowerCase() === wanted[depth]);
  }

  /** Whatever could be a manifest, sorted by bytes; `.DS_Store` and backups such as `7b~` are no names. */
  async locateAll(): Promise<LocatedManifest[]> {
    return await this.#descend(() => true);
  }

  async #descend(accept: (segment: string, depth: number) => boolean): Promise<LocatedManifest[]> {
    let branches: string[][] = [[]];
    for (let depth = 0; depth < 4; depth++) {
      const grown = await mapConcurrently(branches, READS_IN_FLIGHT, async (branch) => {
        const segments = await readNames(join(this.#root, ...branch)); // none if it is a file
        return segments.filter((segment) => accept(segment, depth)).map((segment) => [...branch, segment]);
      });
      branches = grown.flat();
    }
    return branches.flatMap((segments) => {
      const name = nameOfSegments(segments);
      return name ? [{ path: join(this.#root, ...segments), name }] : [];
    });
  }
}
