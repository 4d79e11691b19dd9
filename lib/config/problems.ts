import { wantedThere } from "../json_complaint.ts";
import type { JsonIssue } from "../json_shape.ts";
import type { ConfigProblem } from "./config_error.ts";
import { childrenOf, configKeys } from "./keys.ts";
import { isTree, type Layer, sourceOf } from "./layer.ts";
import { nearest } from "./nearest.ts";
import { maskUrl } from "./secrets.ts";

/** A message must stay a sentence, however long a name is. */
const MAX_NAME_LENGTH = 80;

/** Says what is wrong as a person would, and where it stands. */
export function problemsOf(issue: JsonIssue, layer: Layer): readonly ConfigProblem[] {
  if (issue.code === "unrecognized_keys") {
    return (issue.keys ?? []).map((key) => unknownKey(issue, key, layer));
  }
  const inner = issue.errors?.find(isAboutInside);
  if (inner) {
    return inner.flatMap((one) => problemsOf({ ...one, path: [...issue.path, ...one.path] }, layer));
  }
  const path = dotted(issue.path);
  return [{ path, message: `${placeOf(issue.path)}${complaint(issue)}`, source: sourceOf(layer, path) }];
}

/** Whether a choice has nothing against the value as such, only against what is inside: it was meant. */
function isAboutInside(complaints: readonly JsonIssue[]): boolean {
  return complaints.length > 0 &&
    complaints.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys");
}

function unknownKey({ path: parent }: JsonIssue, key: string, layer: Layer): ConfigProblem {
  const path = dotted([...parent, key]);
  const sibling = nearest(key, childrenOf(parent));
  const meant = sibling === undefined ? likely(path, key) : [placeOf([...parent, sibling])];
  const hint = meant.length === 0 ? "" : `; did you mean ${meant.map((known) => `"${known}"`).join(" or ")}?`;
  return {
    path,
    message: `unknown key "${placeOf([...parent, key])}"${hint}`,
    source: sourceOf(layer, path),
  };
}

/** Known keys for one that has no near sibling: most often it stands in the wrong section. */
function likely(path: string, key: string): readonly string[] {
  const known = configKeys().map((known) => known.path);
  const elsewhere = known.filter((candidate) => candidate.endsWith(`.${key}`));
  return elsewhere.length > 0 ? elsewhere : [nearest(path, known)].filter((guess) => guess !== undefined);
}

function complaint(issue: JsonIssue): string {
  const isRecord = issue.expected === "record"; // zod's word for a map
  const wanted = wantedThere(
    isRecord ? { ...issue, expected: "object" } : issue,
    "a section of keys and values",
  );
  if (wanted !== undefined) {
    return issue.input === undefined ? ` is missing; it ${wanted}` : ` ${wanted}, ${got(issue)}`;
  }
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

/** Whatever stands in place of a key, or of where it is, may be one. */
function isSecret(path: readonly PropertyKey[]): boolean {
  const isSecretKey = configKeys().some((key) => key.format === "secret" && key.path === String(path[0]));
  return isSecretKey || path.at(-1) === "api_key" || dotted(path.slice(0, 2)) === "auth.keys";
}

/** `rpc_backends[1].port`, `aliases["gpt-4"]`: as people read it; a name that an operator chose may be any text. */
function placeOf(path: readonly PropertyKey[]): string {
  return path.map((step, index) => {
    if (typeof step === "number") return `[${step}]`;
    const name = String(step);
    if (/^\w+$/.test(name)) return `${index > 0 ? "." : ""}${name}`;
    const quoted = JSON.stringify(
      name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name,
    );
    return index > 0 ? `[${quoted}]` : quoted.slice(1, -1);
  }).join("");
}

/** `rpc_backends.1.port`: as layers name sources. */
function dotted(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}
