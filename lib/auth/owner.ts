import type { Config } from "../config/config.ts";
import { GatewayError } from "../errors.ts";
import { type Client, may } from "./client.ts";
import { accessOf, type ModelAccess } from "./model_access.ts";
import { wrongScope } from "./refusals.ts";

/** Stands for all of `api_keys`: their places change, and what one of them made is the others', too. */
const OPERATORS = "api_keys[]";

/** To whom belongs what a client makes, by the name of its key; `undefined` without one. */
export function ownerOf(client: Pick<Client, "key"> | undefined): string | undefined {
  const name = client?.key?.name;
  return name?.startsWith("api_keys[") ? OPERATORS : name;
}

/** Whose things a client may see: `"all"`, or those of one owner. */
export function visibleTo(
  client: Pick<Client, "key" | "scopes"> | undefined,
): "all" | { readonly owner: string | undefined } {
  return client === undefined || may(client, "admin") ? "all" : { owner: ownerOf(client) };
}

/** What the owners of batches may do at the moment: their keys may change, or go, while a batch runs. */
export class OwnerRights {
  readonly #config: Pick<Config, "auth">;

  /** Those of this config, which is read at each use. */
  constructor(config: Pick<Config, "auth">) {
    this.#config = config;
  }

  /**
   * The models that an owner's key may use; `undefined` for all.
   *
   * @throws {GatewayError} `forbidden` if there is no such key any more, or it may not ask models any more.
   */
  accessOf(owner: string | undefined): ModelAccess | undefined {
    if (owner === undefined || owner === OPERATORS) return undefined;
    const key = this.#config.auth.keys.find(({ name }) => name === owner);
    if (!key) throw keyIsGone(owner);
    if (!may(key, "inference")) throw wrongScope(key, "inference", "a batch");
    return accessOf(key);
  }
}

function keyIsGone(owner: string): GatewayError {
  const message =
    `The key "${owner}" that sent this is none of this gateway's any more; send it again with another key`;
  return new GatewayError("forbidden", message);
}
