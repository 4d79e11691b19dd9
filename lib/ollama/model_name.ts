/** Host of a name that gives none. */
const DEFAULT_HOST = "registry.ollama.ai";
const DEFAULT_NAMESPACE = "library";
const DEFAULT_TAG = "latest";

/** No valid name is longer; what is, is refused before it is taken apart or echoed. */
const MAX_NAME_LENGTH = 1_000;

const PARTS = {
  host: { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}$/, maxLength: 350, extra: '"-", "." and ":"' },
  namespace: { pattern: /^[A-Za-z0-9_][A-Za-z0-9_-]{0,79}$/, maxLength: 80, extra: 'and "-"' },
  model: { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/, maxLength: 80, extra: '"-" and "."' },
  tag: { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/, maxLength: 80, extra: '"-" and "."' },
} as const;

type Part = keyof typeof PARTS;

/** The parts of a model's name, defaults filled in, spelled as given. ASCII only. */
export interface ModelName {
  /** `https` unless the text began with another one; part of no path and no key. */
  readonly scheme: string;
  /** Registry, perhaps with a port: `registry.ollama.ai`, `hf.co`, `localhost:5000`. */
  readonly host: string;
  /** Owner in the registry: `library`, `bartowski`. */
  readonly namespace: string;
  /** The model itself: `llama3.1`. */
  readonly model: string;
  /** Variant, as it is stored: `70b`, `latest`, and for a cloud model `cloud` or `120b-cloud`. */
  readonly tag: string;
  /** Where the client asked it to run (`:cloud`, `-cloud`, `:local`); undefined where it did not say. */
  readonly source?: "cloud" | "local";
}

/** The text is no model name; the message says which part is wrong and what it may hold. */
export class ModelNameSyntaxError extends SyntaxError {
  /** Tells it from other syntax errors. */
  override readonly name = "ModelNameSyntaxError";
}

/**
 * Takes a model's name apart: `[scheme://][host/][namespace/]model[:tag]`, with an optional `:cloud` or
 * `:local` behind it. Parts that are absent get their defaults; parts that a separator promised but that
 * are empty (`:7b`, `a//b`) are errors, as is anything that is not ASCII.
 *
 * @example
 * ```ts
 * parseModelName("hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M").host; // "hf.co"
 * parseModelName("gpt-oss:120b:cloud").tag; // "120b-cloud"
 * parseModelName("mistral:local"); // source "local", tag "latest"
 * ```
 * @throws {ModelNameSyntaxError} If a part is empty, too long or holds a character that it may not.
 * @see types/model/name.go and internal/modelref/modelref.go in ollama 0.33
 */
export function parseModelName(text: string): ModelName {
  const trimmed = text.trim();
  if (trimmed === "") throw new ModelNameSyntaxError(`Cannot read a model name: it is empty; name a model`);
  if (trimmed.length > MAX_NAME_LENGTH) {
    throw refusal(trimmed, `it has ${trimmed.length} characters, at most ${MAX_NAME_LENGTH} are possible`);
  }
  if (/@sha256[:-]/i.test(trimmed)) {
    throw refusal(trimmed, `a digest cannot be asked for; use a tag, as in "model:tag"`);
  }
  const { base, source } = splitSource(trimmed);
  const name = splitParts(base);
  for (const part of Object.keys(PARTS) as Part[]) check(part, name[part], trimmed);
  if (source === undefined) return name;
  return source === "local" ? { ...name, source } : { ...name, source, tag: cloudTag(base, name.tag) };
}

/**
 * The name of a manifest found at `<host>/<namespace>/<model>/<tag>`; undefined if those are no valid parts
 * (`.DS_Store`, an editor's backup), which is how Ollama itself tells manifests from other files.
 */
export function nameOfSegments(segments: readonly string[]): ModelName | undefined {
  if (segments.length !== 4) return undefined;
  const [host, namespace, model, tag] = segments as [string, string, string, string];
  const name: ModelName = { scheme: "https", host, namespace, model, tag };
  return (Object.keys(PARTS) as Part[]).every((part) => PARTS[part].pattern.test(name[part]))
    ? name
    : undefined;
}

/** Path of the manifest below `manifests/`, one directory or file name each: host, namespace, model, tag. */
export function segmentsOfName(
  name: ModelName,
): [host: string, namespace: string, model: string, tag: string] {
  return [name.host, name.namespace, name.model, name.tag];
}

/** The short form for people: `llama3.1:70b`, `jmorgan/phi3:latest`, `hf.co/u/r:Q8_0`. The tag is always there. */
export function displayName(name: ModelName): string {
  const short = `${name.model}:${name.tag}`;
  if (!equalFold(name.host, DEFAULT_HOST)) return `${name.host}/${name.namespace}/${short}`;
  return equalFold(name.namespace, DEFAULT_NAMESPACE) ? short : `${name.namespace}/${short}`;
}

/** All four parts in lower case: two spellings name the same model exactly if their keys are equal. */
export function nameKey(name: ModelName): string {
  return `${name.host}/${name.namespace}/${name.model}:${name.tag}`.toLowerCase();
}

function splitSource(text: string): { base: string; source?: "cloud" | "local" } {
  const first = cutSource(text);
  if (first.source && cutSource(first.base).source) {
    throw refusal(text, `use one of ":local" and ":cloud", once`);
  }
  return first;
}

function cutSource(text: string): { base: string; source?: "cloud" | "local" } {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return { base: text };
  const suffix = text.slice(colon + 1).trim().toLowerCase();
  if (suffix === "cloud" || suffix === "local") return { base: text.slice(0, colon), source: suffix };
  if (suffix.includes("/") || !suffix.endsWith("-cloud")) return { base: text };
  return { base: text.trimEnd().slice(0, -"-cloud".length), source: "cloud" };
}

/** A cloud model's stub is stored under `cloud`, or under its tag and `-cloud`. */
function cloudTag(base: string, tag: string): string {
  return base.lastIndexOf(":") > base.lastIndexOf("/") ? `${tag}-cloud` : "cloud";
}

function splitParts(text: string): ModelName {
  const name = {
    scheme: "https",
    host: DEFAULT_HOST,
    namespace: DEFAULT_NAMESPACE,
    model: "",
    tag: DEFAULT_TAG,
  };
  let rest = text;
  if (rest.lastIndexOf(":") > rest.lastIndexOf("/")) [rest, name.tag] = cutLast(rest, ":");
  if (!rest.includes("/")) return { ...name, model: rest };
  [rest, name.model] = cutLast(rest, "/");
  if (!rest.includes("/")) return { ...name, namespace: rest };
  [rest, name.namespace] = cutLast(rest, "/");
  const scheme = rest.indexOf("://");
  if (scheme < 0) return { ...name, host: rest };
  return { ...name, scheme: rest.slice(0, scheme), host: rest.slice(scheme + "://".length) || DEFAULT_HOST };
}

function cutLast(text: string, separator: string): [before: string, after: string] {
  const at = text.lastIndexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}

function check(part: Part, value: string, text: string): void {
  const { pattern, maxLength, extra } = PARTS[part];
  if (pattern.test(value)) return;
  if (value === "") throw refusal(text, `its ${part} is empty`);
  const allowed = `1 to ${maxLength} letters, digits, "_", ${extra}, and start with a letter, digit or "_"`;
  throw refusal(text, `its ${part} ${quote(value)} must be ${allowed}`);
}

function refusal(text: string, fault: string): ModelNameSyntaxError {
  return new ModelNameSyntaxError(`Cannot read model name ${quote(text)}: ${fault}`);
}

/** JSON form, so that control characters cannot forge a log line; shortened, so that 10 kB are not echoed. */
function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

function equalFold(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
