import { deepEqual, equal, throws } from "node:assert/strict";
import { type CommandGroup, defineCommand, UsageError } from "../../../lib/cli/command.ts";
import { nameOfPath, parseCommandLine } from "../../../lib/cli/parse.ts";

const run = () => Promise.resolve(0 as const);
const root: CommandGroup = {
  name: "prog",
  summary: "",
  commands: [
    defineCommand({
      name: "probe",
      summary: "",
      positionals: [{ name: "HOST:PORT", multiple: true }],
      options: {
        json: { type: "boolean", short: "j", description: "" },
        metrics: { type: "boolean", negatable: true, description: "" },
        timeout: { type: "string", value: "DURATION", description: "" },
        rpc: { type: "string", multiple: true, description: "" },
        level: { type: "string", choices: ["low", "high"], description: "" },
      },
      run,
    }),
    defineCommand({ name: "list", summary: "", positionals: [{ name: "NAME", optional: true }], run }),
    defineCommand({
      name: "sort",
      summary: "",
      positionals: [{ name: "ORDER", optional: true, choices: ["up", "down"] }],
      run,
    }),
    { name: "config", summary: "", commands: [defineCommand({ name: "show", summary: "", run })] },
  ],
};

function parsed(...argv: string[]) {
  const invocation = parseCommandLine(root, argv);
  if (invocation.kind === "version") return "version";
  if (invocation.kind === "help") return `help of ${nameOfPath(invocation.path)}`;
  const options = Object.entries(invocation.options).filter(([, value]) =>
    value !== undefined && !(Array.isArray(value) && value.length === 0)
  );
  return { command: invocation.command.name, args: invocation.args, options: Object.fromEntries(options) };
}

for (
  const { line, want } of [
    { line: "", want: "help of prog" },
    { line: "-h", want: "help of prog" },
    { line: "config", want: "help of prog config" },
    { line: "config --help", want: "help of prog config" },
    { line: "config show -h", want: "help of prog config show" },
    { line: "probe --timeout 1s -h", want: "help of prog probe" },
    { line: "--version", want: "version" },
    { line: "-V", want: "version" },
    { line: "list", want: { command: "list", args: [], options: {} } },
    { line: "config show", want: { command: "show", args: [], options: {} } },
    { line: "probe a b", want: { command: "probe", args: ["a", "b"], options: {} } },
    {
      line: "probe a -j --timeout=5s",
      want: { command: "probe", args: ["a"], options: { json: true, timeout: "5s" } },
    },
    {
      line: "probe --rpc x a --rpc y",
      want: { command: "probe", args: ["a"], options: { rpc: ["x", "y"] } },
    },
    { line: "probe a --no-metrics", want: { command: "probe", args: ["a"], options: { metrics: false } } },
    {
      line: "probe a --no-metrics --metrics",
      want: { command: "probe", args: ["a"], options: { metrics: true } },
    },
    {
      line: "probe a --timeout 1s --timeout 2s",
      want: { command: "probe", args: ["a"], options: { timeout: "2s" } },
    },
    { line: "probe -- --json", want: { command: "probe", args: ["--json"], options: {} } },
    { line: "probe a --timeout=-1", want: { command: "probe", args: ["a"], options: { timeout: "-1" } } },
  ]
) {
  Deno.test(`parseCommandLine() reads "prog ${line}"`, () => {
    deepEqual(parsed(...line.split(" ").filter((word) => word !== "")), want);
  });
}

for (
  const { line, want } of [
    { line: "prob a", want: 'unknown command "prob"; did you mean "probe"? See "prog --help"' },
    { line: "zzzzz", want: 'unknown command "zzzzz". See "prog --help"' },
    { line: "--verison", want: 'unknown option "--verison"; did you mean "--version"? See "prog --help"' },
    { line: "config shwo", want: 'unknown command "shwo"; did you mean "show"? See "prog config --help"' },
    { line: "probe a --jsn", want: 'unknown option "--jsn"; did you mean "--json"? See "prog probe --help"' },
    { line: "probe a -x", want: 'unknown option "-x"' },
    { line: "probe a --no-json", want: 'unknown option "--no-json"' },
    { line: "probe a --constructor", want: 'unknown option "--constructor". See "prog probe --help"' },
    { line: "probe a --json=yes", want: '--json takes no value, got "yes". See "prog probe --help"' },
    { line: "probe a --timeout", want: "--timeout needs a value: --timeout DURATION." },
    { line: "probe a --timeout --json", want: "--timeout needs a value: --timeout DURATION." },
    { line: "probe a --level mid", want: '--level must be one of low, high, got "mid".' },
    { line: "probe", want: 'HOST:PORT is missing. See "prog probe --help"' },
    {
      line: "sort downn",
      want: 'ORDER must be one of up, down, got "downn"; did you mean "down"? See "prog sort --help"',
    },
    { line: "list a b", want: 'unexpected argument "b". See "prog list --help"' },
  ]
) {
  Deno.test(`parseCommandLine() refuses "prog ${line}"`, () => {
    throws(() => parsed(...line.split(" ")), (error) => {
      equal((error as Error).message.slice(0, want.length), want);
      return error instanceof UsageError;
    });
  });
}
