import { BATCH_ENDPOINTS } from "../../tasks/batch.ts";
import { parseDuration } from "../../units.ts";
import { BatchApi } from "../batch_api.ts";
import { areDistinct, checkResultPaths, resultPaths } from "../batch_files.ts";
import { type BatchOutcome, runBatch } from "../batch_run.ts";
import { batchToText, renderBatches } from "../batch_text.ts";
import {
  type Command,
  type CommandContext,
  type CommandGroup,
  defineCommand,
  UsageError,
} from "../command.ts";
import { CONFIG_FILE_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { JSON_OPTION, readArgument, writeJson } from "../output.ts";
import { painter } from "../terminal.ts";

const COMMON_OPTIONS = { ...JSON_OPTION, ...GATEWAY_OPTIONS, ...CONFIG_FILE_OPTIONS } as const;

const runCommand: Command = defineCommand({
  name: "run",
  summary: "Send a file of requests, wait for all answers and fetch them.",
  details:
    "FILE has one request a line, as OpenAI's Batch API wants it: custom_id, method, url and body. The gateway asks them " +
    "behind all that somebody waits for, and goes on with them when it was restarted, or this command was ended. " +
    "Answers go to FILE.out.jsonl in the order of FILE, and what failed to FILE.errors.jsonl.\n\n" +
    "Ends with 0 only if every request was answered well.",
  positionals: [{ name: "FILE", optional: true }],
  options: {
    output: { type: "string", short: "o", value: "PATH", description: "Where the answers go." },
    force: { type: "boolean", description: "Replace results that are there." },
    endpoint: {
      type: "string",
      value: "PATH",
      choices: BATCH_ENDPOINTS,
      description: "What the requests ask for; default: the url of the first one.",
    },
    window: {
      type: "string",
      value: "TIME",
      description: "When to give up what is not answered by then; default 24h.",
    },
    resume: {
      type: "string",
      value: "ID",
      description: "Wait for a batch that runs, or fetch the results of one that has ended.",
    },
    ...COMMON_OPTIONS,
  },
  examples: [
    "batch run questions.jsonl",
    "batch run texts.jsonl -o vectors.jsonl --window 2d",
    "batch run --resume ID",
  ],
  async run(context) {
    const { output, force = false, endpoint, window = "24h", resume } = context.options;
    const [file] = context.args;
    const base = file ?? resume;
    if (!base) throw new UsageError("FILE is missing; or say which batch to wait for by --resume ID");
    readArgument("--window", window, parseDuration);
    const paths = resultPaths(base, output);
    if (!areDistinct(paths, file)) {
      throw new UsageError(
        `FILE, the answers (${paths.output}) and the errors (${paths.errors}) must be three files; name another by --output`,
      );
    }
    await checkResultPaths(paths, { force });
    using api = await openApi(context);
    const wish = { file, resume, endpoint, completionWindow: window, paths, force };
    const outcome = await runBatch(api, wish, context);
    showOutcome(outcome, context);
    return outcome.batch.status === "completed" && outcome.batch.counts.failed === 0 ? 0 : 1;
  },
});

const listCommand: Command = defineCommand({
  name: "list",
  summary: "Show the last batches and how far they are.",
  options: {
    limit: { type: "string", value: "COUNT", description: "How many, at most 100; default 20." },
    ...COMMON_OPTIONS,
  },
  examples: ["batch list", "batch list --limit 3 --json"],
  async run(context) {
    const limit = limitOf(context.options.limit);
    using api = await openApi(context);
    const batches = await api.list(limit);
    const { stdout, env } = context;
    if (context.options.json) writeJson(context, batches);
    else stdout.write(batches.length > 0 ? renderBatches(batches, painter(stdout, env)) : NONE);
    return 0;
  },
});

const showCommand: Command = defineCommand({
  name: "show",
  summary: "Show how far one batch is, and what was wrong with its lines.",
  positionals: [{ name: "ID" }],
  options: COMMON_OPTIONS,
  examples: ["batch show ID"],
  async run(context) {
    using api = await openApi(context);
    showBatch(await api.get(idIn(context)), context);
    return 0;
  },
});

const cancelCommand: Command = defineCommand({
  name: "cancel",
  summary: "End a batch: what is under way is finished, and nothing else begun.",
  details: 'The answers that are there by then can be fetched with "sollol batch run --resume ID".',
  positionals: [{ name: "ID" }],
  options: COMMON_OPTIONS,
  examples: ["batch cancel ID"],
  async run(context) {
    using api = await openApi(context);
    showBatch(await api.cancel(idIn(context)), context);
    return 0;
  },
});

/** `sollol batch`: many requests that nobody waits for at a terminal. */
export const batchCommands: CommandGroup = {
  name: "batch",
  summary: "Run files of requests, and look after those that run.",
  commands: [runCommand, listCommand, showCommand, cancelCommand],
};

type Context = CommandContext<typeof COMMON_OPTIONS>;

const NONE = 'There are no batches yet; begin one with "sollol batch run FILE"\n';

async function openApi(context: Context): Promise<BatchApi> {
  const { config } = await loadConfigForCommand(context);
  return BatchApi.of(context.options, config, context);
}

function showBatch(batch: BatchOutcome["batch"], context: Context): void {
  const { stdout, env, options } = context;
  if (options.json) writeJson(context, batch);
  else stdout.write(batchToText(batch, painter(stdout, env)));
}

function showOutcome(outcome: BatchOutcome, context: Context): void {
  const { stdout, env, options } = context;
  const { batch, output, errors } = outcome;
  if (options.json) writeJson(context, outcome);
  else stdout.write(batchToText(batch, painter(stdout, env), [["answers", output], ["errors", errors]]));
}

function idIn({ args: [id = ""] }: Context): string {
  if (id !== "") return id;
  throw new UsageError('ID is empty; "sollol batch list" shows all');
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return 20;
  if (/^[1-9]\d?$|^100$/.test(text)) return Number(text);
  throw new UsageError(`--limit needs a whole number from 1 to 100, got "${text}"`);
}
