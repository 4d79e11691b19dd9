import leven from "leven";

/** The cost of a comparison grows with the product of both lengths. */
const MAX_COMPARED_LENGTH = 200;
/** Someone who asks for what is not there is not to keep others waiting. */
const MAX_COMPARED = 2_000;

/** The names that are most like this one, most alike first; none if nothing is. `:latest` makes no difference. */
export function nearNames(name: string, candidates: Iterable<string>, count = 3): string[] {
  const wanted = shortForm(name.slice(0, MAX_COMPARED_LENGTH));
  return [...new Set(candidates)].slice(0, MAX_COMPARED)
    .map((name) => ({ name, short: shortForm(name.slice(0, MAX_COMPARED_LENGTH)) }))
    .map(({ name, short }) => ({ name, short, distance: leven(wanted, short) }))
    .filter(({ short, distance }) => isNear(wanted, short, distance))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ name }) => name);
}

/** People leave out `:latest`, so that it must not count as a difference. */
function shortForm(name: string): string {
  return name.trim().toLowerCase().replace(/:latest$/, "");
}

/** Half of the longer name may differ; more if what was asked for is the start of the name. */
function isNear(wanted: string, name: string, distance: number): boolean {
  return distance <= Math.max(wanted.length, name.length) / 2 || (wanted !== "" && name.startsWith(wanted));
}
