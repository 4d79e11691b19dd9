import * as z from "zod";
import { MAX_SECRET_LENGTH, SECRET_PATTERN } from "../../auth/secret_digest.ts";
import { parseKeepAlive } from "../../ollama/keep_alive.ts";
import { parsedBy } from "../../parsed_by.ts";
import { parseSize, parseTimer } from "../fields.ts";

// The schema's files are for `tree.ts` alone: what they export are zod's own types, which no other file should see.

/** A secret that is shown in a header. */
export function key() {
  return z.string().regex(SECRET_PATTERN, { error: "must be printable ASCII without spaces" })
    .max(MAX_SECRET_LENGTH, { error: `must have at most ${MAX_SECRET_LENGTH} characters` });
}

/** A fraction, too. */
export function positive() {
  return z.number().positive({ error: "must be more than 0" });
}

/** Any text but an empty one. */
export function text() {
  return z.string().regex(/\S/, { error: "must not be empty" });
}

/** What is said of each of some names, which may be any text. No name finds what it does not say: `constructor`. */
export function byName<Value extends z.ZodType>(value: Value) {
  return z.record(z.string(), value).superRefine((said, context) => {
    for (const name of Object.keys(said).filter((name) => !/\S/.test(name))) {
      context.addIssue({ code: "custom", path: [name], message: "must have a name that is not empty" });
    }
  }).transform((said): typeof said => Object.assign(Object.create(null), said)).prefault({});
}

/** Said twice counts once. */
export function modelNames() {
  return z.array(text()).transform((names) => [...new Set(names)]).default([]);
}

/** In a config file, a path that is not absolute is taken from that file's directory. */
export function path() {
  return text().meta({ format: "path" });
}

/** As a path; but a bare name stays one and is searched for on `PATH`. */
export function program() {
  return text().meta({ format: "program" });
}

/** As `parseTimer()` reads it. */
export function duration(minMs = 1) {
  return textField((text) => parseTimer(text, { minMs }));
}

/** As Ollama's clients say it. */
export function keepAlive() {
  return textField(parseKeepAlive);
}

/** As `parseSize()` reads it. */
export function size(minBytes: number) {
  return textField((text) => parseSize(text, { minBytes }));
}

/** A text or, since YAML reads `30` and `11435` as such, a bare number. */
export function textField<T>(parse: (text: string) => T) {
  return z.union([z.string(), z.number()]).transform(parsedBy((said) => parse(String(said))));
}
