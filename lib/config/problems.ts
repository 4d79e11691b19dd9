import { formatPlace, wantedThere } from "../json_complaint.ts";
import type { JsonIssue } from "../json_shape.ts";
import type { ConfigProblem } from "./config_error.ts";
import { childrenOf, configKeys } from "./keys.ts";
import { isTree, type Layer, sourceOf } from "./layer.ts";
import { nearest } from "./nearest.ts";
import { maskUrl } from "./secrets.ts";

/** Says what is wrong as a person would, and where it stands. */
export function problemsOf(issue: JsonIssue, layer: Layer): readonly ConfigProblem[] {
  if (issue.code === "unrecognized_keys") {
    return (issue.keys ?? []).map((key) => unknownKey(issue, key, layer));
  }
  const path = dotted(issue.path);
  return [{ path, message: `${formatPlace(issue.path)}${complaint(issue)}`, source: sourceOf(layer, path) }];
}

function unknownKey({ path: parent }: JsonIssue, key: string, layer: Layer): ConfigProblem {
  const path = dotted([...parent, key]);
  const sibling = nearest(key, childrenOf(parent));
  const meant = sibling === undefined ? likely(path, key) : formatPlace([...parent, sibling]);
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  return {
    path,
    message: `unknown key "${formatPlace([...parent, key])}"${hint}`,
    source: sourceOf(layer, path),
  };
}

/** A known key for one that has no near sibling: most often it stands in the wrong section. */
function likely(path: string, key: string): string | undefined {
  const known = configKeys().map((known) => known.path);
  return known.find((candidate) => candidate.endsWith(`.${key}`)) ?? nearest(path, known);
}

function complaint(issue: JsonIssue): string {
  const wanted = wantedThere(issue, "a section of keys and values");
  if (wanted !== undefined) return ` ${wanted}, ${got(issue)}`;
  return issue.message.startsWith("must ") ? ` ${issue.message}` : `: ${issue.message}`;
}

/** What was found instead; of a secret, only its kind. */
function got({ input, path }: JsonIssue): string {
  if (Array.isArray(input)) return "got a list";
  if (isTree(input)) return "got a section of keys and values";
  if (isSecret(path)) {
    return typeof input === "string" ? "got text" : "got a number or word; put it in quotes";
  }
  const quoted = maskUrl(JSON.stringify(input) ?? String(input));
  return `got ${quoted.length > 60 ? `${quoted.slice(0, 60)}…` : quoted}`;
}

function isSecret(path: readonly PropertyKey[]): boolean {
  const isSecretKey = configKeys().some((key) => key.format === "secret" && key.path === String(path[0]));
  return isSecretKey || path.at(-1) === "api_key";
}

/** `rpc_backends.1.port`: as layers name sources. */
function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}
