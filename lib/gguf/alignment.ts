/** Where a file has no `general.alignment`, data start at multiples of so many bytes. */
export const DEFAULT_ALIGNMENT = 32;

/** The next multiple of `alignment` at or after `offset`. */
export function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
