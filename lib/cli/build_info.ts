import metadata from "../../deno.json" with { type: "json" };

/**
 * The version of sollol, as people are told it: `0.1.0`. A bundle has another file in the place of this one, which
 * names the commit too: `0.1.0 (abc1234)`, or `0.1.0 (abc1234, changed)` where the tree was not as committed.
 */
export const VERSION: string = metadata.version;
