import type { KnownNode, NodeModel } from "./node.ts";

/** One name under which nodes hold different models: which one answers depends on the node. */
export interface DigestConflict {
  /** Canonical key. */
  readonly key: string;
  /** The name as one of them spells it. */
  readonly name: string;
  /** Each of the models, and the names of the nodes that hold it; the one that most hold first. */
  readonly variants: readonly { readonly digest: string; readonly nodes: readonly string[] }[];
}

/** What is compared. */
export type DigestHolder = Pick<KnownNode, "name"> & {
  /** What it holds, by canonical key. */
  readonly models: ReadonlyMap<string, NodeModel>;
};

/**
 * All names under which these nodes hold different models. Models whose digest is not known are left out. Each model is
 * looked at once: there may be a hundred thousand.
 */
export function digestConflicts(
  nodes: readonly { readonly name: string; readonly models: readonly NodeModel[] }[],
): DigestConflict[] {
  const disputed = disputedKeys(nodes.flatMap(({ models }) => models));
  if (disputed.size === 0) return [];
  const holders = nodes.map(({ name, models }) => ({
    name,
    models: new Map(models.filter(({ key }) => disputed.has(key)).map((model) => [model.key, model])),
  }));
  return [...disputed].map((key) => digestConflictOf(key, holders)).filter((one) => one !== undefined);
}

function disputedKeys(models: readonly NodeModel[]): Set<string> {
  const first = new Map<string, string>();
  const disputed = new Set<string>();
  for (const { key, digest } of models) {
    if (digest === "") continue;
    const known = first.get(key);
    if (known === undefined) first.set(key, digest);
    else if (known !== digest) disputed.add(key);
  }
  return disputed;
}

/** The conflict about one name; `undefined` if there is none. */
export function digestConflictOf(key: string, nodes: readonly DigestHolder[]): DigestConflict | undefined {
  if (!isDisputed(key, nodes)) return undefined;
  const nodesOf = new Map<string, string[]>();
  let name = key;
  for (const { name: node, models } of nodes) {
    const model = models.get(key);
    if (!model || model.digest === "") continue;
    name = model.name;
    nodesOf.set(model.digest, [...nodesOf.get(model.digest) ?? [], node]);
  }
  const variants = [...nodesOf].map(([digest, names]) => ({ digest, nodes: names }))
    .toSorted((a, b) => b.nodes.length - a.nodes.length);
  return { key, name, variants };
}

/** Nearly always there is no conflict, which costs nothing to see. */
function isDisputed(key: string, nodes: readonly DigestHolder[]): boolean {
  let first = "";
  for (const { models } of nodes) {
    const digest = models.get(key)?.digest ?? "";
    if (first !== "" && digest !== "" && digest !== first) return true;
    first ||= digest;
  }
  return false;
}

/** A conflict in a sentence: `a has 46e0c10c039e, b and c have 365c0bd3c000`. */
export function describeConflict({ variants }: DigestConflict): string {
  return variants.map(({ digest, nodes }) => {
    const verb = nodes.length === 1 ? "has" : "have";
    return `${nodes.join(" and ")} ${verb} ${digest.slice(0, 12)}`;
  }).join(", ");
}
