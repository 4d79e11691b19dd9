import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { Program } from "./program.ts";
import { Sandbox } from "./sandbox.ts";

/** A start that cannot succeed: the exit code, and the sentence on stderr. */
interface Refusal {
  readonly name: string;
  /** `FILE` stands for the path of the config file, `PORT` for a port that is taken. */
  readonly args: readonly string[];
  readonly config?: string;
  readonly env?: Record<string, string>;
  readonly want: readonly [exitCode: number, sentence: RegExp];
}

const REFUSALS: readonly Refusal[] = [
  {
    name: "a port that is taken",
    args: ["serve", "--listen", "127.0.0.1:PORT"],
    want: [
      1,
      /Cannot listen on 127\.0\.0\.1:\d+: \S+, pid \d+ listens there; stop it, or choose another --listen/,
    ],
  },
  {
    name: "an address of another machine",
    args: ["serve", "--listen", "192.0.2.1:80", "--set", "auth.allow_anonymous=true"],
    want: [1, /Cannot listen on 192\.0\.2\.1:80: .*; choose an address of this host/],
  },
  {
    name: "an unknown key in the config file",
    args: ["serve", "--config", "FILE"],
    config: "rpc_backend: [127.0.0.1]\n",
    want: [1, /unknown key "rpc_backend"; did you mean "rpc_backends"\? \(file \S+config\.yaml, line 1\)/],
  },
  {
    name: "a value of the wrong type in the config file",
    args: ["serve", "--config", "FILE"],
    config: "coordinator:\n  slots: many\n",
    want: [1, /coordinator\.slots must be a number, got "many" \(file \S+config\.yaml, line 2\)/],
  },
  {
    name: "a config file that is no YAML",
    args: ["serve", "--config", "FILE"],
    config: "listen: [\n",
    want: [1, /config\.yaml:/],
  },
  {
    name: "a config file that is not there",
    args: ["serve", "--config", "/nonexistent.yaml"],
    want: [1, /cannot read \/nonexistent\.yaml: there is no such file/],
  },
  {
    name: "a variable that says nonsense",
    args: ["serve"],
    env: { RPC_BACKENDS: "http://10.0.0.1:50052" },
    want: [1, /the rpc protocol is raw TCP and has no scheme; .*\(environment RPC_BACKENDS\)/],
  },
  {
    name: "an argument for llama-server that is ours to set",
    args: ["serve", "--config", "FILE"],
    config: 'coordinator:\n  extra_args: [-c, "99"]\n',
    want: [1, /coordinator\.extra_args: Cannot pass "-c" on .*remove it \(file \S+config\.yaml, line 2\)/],
  },
  {
    name: "an unknown flag",
    args: ["serve", "--rcp", "127.0.0.1"],
    want: [2, /unknown option "--rcp"; did you mean "--rpc"\?/],
  },
  {
    name: "an unknown command",
    args: ["server"],
    want: [2, /unknown command "server"; did you mean "serve"\?/],
  },
];

for (const { name, args, config, env = {}, want: [exitCode, sentence] } of REFUSALS) {
  Deno.test(`the program ends with ${exitCode} and a sentence for ${name}`, async () => {
    await using sandbox = await Sandbox.create();
    const file = join(sandbox.directory, "config.yaml");
    if (config !== undefined) await Deno.writeTextFile(file, config);
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const given = args.map((arg) => arg.replace("FILE", file).replace("PORT", String(taken.addr.port)));
    const { code, stdout, stderr } = await Program.run(sandbox, given, { env });
    equal(code, exitCode, stderr);
    match(stderr, /^sollol: /);
    match(stderr, sentence);
    deepEqual(stdout.split("\n").filter((line) => line !== "" && !line.startsWith("{")), []);
    await sandbox.assertEmpty();
  });
}
