/** Where a value of the config came from. */
export type Source =
  | { readonly kind: "default" }
  | { readonly kind: "file"; readonly path: string; /** Counted from 1. */ readonly line: number }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "flag"; readonly flag: string };

/** What every key that nobody set has for its source. */
export const DEFAULT_SOURCE: Source = { kind: "default" };

/** Names a source for a person: `file /etc/sollol/config.yaml, line 3`, `environment RPC_BACKENDS`, `flag --rpc`. */
export function describeSource(source: Source): string {
  switch (source.kind) {
    case "default":
      return "default";
    case "file":
      return `file ${source.path}, line ${source.line}`;
    case "environment":
      return `environment ${source.variable}`;
    case "flag":
      return `flag ${source.flag}`;
  }
}
