import * as z from "zod";
import type { JsonShape } from "../json_shape.ts";
import { orUndefined } from "./or_undefined.ts";

/** A model that a gateway can be asked for, as far as it tells. */
export interface ListedModel {
  /** As requests name it. */
  readonly id: string;
  /** Whether it can be served now. */
  readonly isAvailable: boolean;
  /** Why not, in a clause. */
  readonly because: string | undefined;
  /** Names of the nodes that hold it. */
  readonly nodes: readonly string[];
  /** The model that this name stands for. */
  readonly aliasOf: string | undefined;
}

const text = z.string().nullish().transform(orUndefined);

const place = z.object({
  available: z.boolean(),
  because: text,
  nodes: z.array(z.string()).default([]),
  alias_of: text,
});

const card = z.object({ id: z.string(), sollol: place.nullish() }).transform(({ id, sollol }) => ({
  id,
  isAvailable: sollol?.available ?? true,
  because: sollol?.because,
  nodes: sollol?.nodes ?? [],
  aliasOf: sollol?.alias_of,
}));

/** How the gateway lists its models. Fields of newer versions are left out. */
export const listedModelsShape: JsonShape<{ readonly data: readonly ListedModel[] }> = z.object({
  data: z.array(card),
});
