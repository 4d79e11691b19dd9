import { type ClientKey, clientKeysOf, type KeysConfig } from "./client_key.ts";
import { secretComplaint, sha256Of } from "./secret_digest.ts";

/** 32 bits each. */
const WORDS_PER_DIGEST = 8;
/** Is hashed in place of what can be no key, which then takes as long as any other. */
const NO_KEY = "";

/** Finds the key that a client shows. Holds digests, never secrets. */
export class KeyRing {
  readonly #keys: readonly ClientKey[];
  readonly #digests: Uint32Array;

  /** Knows these keys and no others; no two have a secret in common, see `readKeys`. */
  constructor(keys: readonly ClientKey[]) {
    const entries = keys.flatMap((key) => key.sha256.map((sha256) => ({ key, sha256 })));
    this.#keys = entries.map(({ key }) => key);
    this.#digests = new Uint32Array(entries.flatMap(({ sha256 }) => [...wordsOf(sha256)]));
  }

  /**
   * The key that a secret is; `undefined` if it is none. Takes the same time for all secrets of a length: each digest is
   * compared whole, whatever the others are.
   */
  find(secret: string): ClientKey | undefined {
    const shown = wordsOf(sha256Of(secretComplaint(secret) === undefined ? secret : NO_KEY));
    const digests = this.#digests;
    let found = -1;
    for (let at = 0, word = 0; word < digests.length; at++) {
      let difference = 0;
      for (let next = 0; next < WORDS_PER_DIGEST; next++) difference |= digests[word++]! ^ shown[next]!;
      const isSame = ((difference | -difference) >>> 31) ^ 1;
      found += isSame * (at - found);
    }
    return this.#keys[found];
  }
}

/** The keys of the config in force: made anew when these are others. */
export class CurrentKeyRing {
  readonly #config: KeysConfig;
  #known: readonly unknown[] = [];
  #ring = new KeyRing([]);

  /** Reads none yet. @param config Read at each use; gives other objects for other keys. */
  constructor(config: KeysConfig) {
    this.#config = config;
  }

  /** As {@linkcode KeyRing.find}, among the keys of now. */
  find(secret: string): ClientKey | undefined {
    const { apiKeys, auth, workerToken } = this.#config;
    const current = [apiKeys, auth, workerToken];
    if (current.some((part, at) => part !== this.#known[at])) {
      this.#ring = new KeyRing(clientKeysOf({ apiKeys, auth, workerToken }));
      this.#known = current;
    }
    return this.#ring.find(secret);
  }
}

function wordsOf(sha256: string): Uint32Array {
  const words = new Uint32Array(WORDS_PER_DIGEST);
  for (let at = 0; at < words.length; at++) words[at] = parseInt(sha256.slice(8 * at, 8 * at + 8), 16);
  return words;
}
