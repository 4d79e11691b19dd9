import type { ListedModel } from "./listed_model.ts";
import { mergeModels, type ModelPlaces } from "./merge_models.ts";

/** The list of all models, as true as what it is made from; made anew only where that has changed, which may take 60 ms. */
export class MergedList {
  #last: { readonly marks: readonly unknown[]; readonly entries: readonly ListedModel[] } | undefined;

  /** What {@linkcode mergeModels} makes of these places. */
  of(places: ModelPlaces): readonly ListedModel[] {
    const marks = marksOf(places);
    if (!this.#last || !isSame(this.#last.marks, marks)) this.#last = { marks, entries: mergeModels(places) };
    return this.#last.entries;
  }
}

/** All that the list depends on. A node's settings change with the list of the nodes, which is another one then. */
function marksOf(
  { stored, nodes, externalNames, aliases }: ModelPlaces,
): readonly unknown[] {
  return [
    stored,
    nodes,
    aliases,
    ...externalNames,
    ...nodes.map(({ models }) => models),
  ];
}

function isSame(marks: readonly unknown[], others: readonly unknown[]): boolean {
  return marks.length === others.length && marks.every((mark, at) => mark === others[at]);
}
