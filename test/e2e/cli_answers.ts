import { deepEqual, equal, match, ok } from "node:assert/strict";
import { CLI_MODEL, type CliCall } from "../fixtures/ollama_cli/cli_recording.ts";

/** What Ollama's command line reads of an answer. */
export interface CliAnswer {
  readonly status: number;
  readonly contentType: string | null;
  readonly text: string;
}

/** Fails unless an answer is one that the command line goes on with, or tells its user. */
export function checkCliAnswer({ args, call }: CliQuestion, answer: CliAnswer): void {
  const key = `${call.method} ${call.path}`;
  const check = CHECKS[key];
  ok(check, `nobody knows what the command line makes of ${key}`);
  check(answer, args, call);
}

/** A request, and the command that it is part of. */
export interface CliQuestion {
  readonly args: readonly string[];
  readonly call: CliCall;
}

type Check = (answer: CliAnswer, args: readonly string[], call: CliCall) => void;

const CHECKS: Readonly<Record<string, Check>> = {
  "HEAD /": ({ status }) => equal(status, 200),
  "GET /api/tags": (answer) => {
    const [model] = json(answer).models;
    equal(model.name, `${CLI_MODEL}:latest`);
    match(model.digest, /^[0-9a-f]{64}$/); // its first 12 characters are shown
    ok(model.size > 0);
    ok(Number.isFinite(Date.parse(model.modified_at)), model.modified_at);
  },
  "GET /api/ps": (answer) => {
    for (const model of json(answer).models) {
      equal(model.name, `${CLI_MODEL}:latest`);
      match(model.digest, /^[0-9a-f]{64}$/);
      ok(model.size > 0 && model.size_vram >= 0 && model.size_vram <= model.size);
      ok(model.context_length > 0);
      ok(Date.parse(model.expires_at) > Date.now(), model.expires_at);
    }
  },
  "POST /api/show": (answer, args) => {
    if (args.includes("nope")) return isRefusal(answer, 404, /^model 'nope' not found/);
    const { details, model_info, capabilities, parameters, modelfile } = json(answer);
    equal(details.quantization_level, "F16");
    equal(model_info["general.architecture"], "llama");
    equal(model_info["llama.context_length"], 32_768);
    deepEqual(capabilities, ["completion"]);
    match(parameters, /^num_predict +8$/m);
    match(modelfile, /^FROM .+\n(?:.*\n)*PARAMETER num_predict 8$/m);
  },
  "POST /api/generate": (answer, _args, { body }) => {
    equal(answer.status, 200, answer.text);
    const lines = answer.text.trim().split("\n").map((line) => JSON.parse(line));
    const last = lines.at(-1);
    if (JSON.parse(body).prompt === "") {
      deepEqual([lines.length, last.done, last.done_reason], [1, true, "unload"]);
      return;
    }
    equal(answer.contentType, "application/x-ndjson");
    ok(lines.length > 1 && lines.slice(0, -1).every(({ done }) => done === false), "it comes in pieces");
    match(lines.map(({ response }) => response).join(""), /[a-z]{2,}/);
    deepEqual([last.done, last.done_reason, last.eval_count], [true, "length", 8]);
    ok(last.context.length > 8, "the next prompt can go on from it");
  },
  "POST /api/copy": (answer) => isRefusal(answer, 501, /no Ollama node to copy on; add one/),
  "DELETE /api/delete": (answer) => isRefusal(answer, 501, /no Ollama node to delete on; add one/),
};

function json({ status, contentType, text }: CliAnswer) {
  equal(status, 200, text);
  match(contentType ?? "", /^application\/json/);
  return JSON.parse(text);
}

/** Its user reads the sentence. */
function isRefusal({ status, text }: CliAnswer, expected: number, sentence: RegExp): void {
  equal(status, expected, text);
  match(JSON.parse(text).error, sentence);
}
