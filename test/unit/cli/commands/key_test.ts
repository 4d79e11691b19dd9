import { deepEqual, equal, match, ok } from "node:assert/strict";
import { sha256Of } from "../../../../lib/auth/secret_digest.ts";
import { keyCommandsOf } from "../../../../lib/cli/commands/key.ts";
import { runCli } from "../../../../lib/cli/run.ts";
import { mergeConfig } from "../../../../lib/config/merge.ts";
import { parseConfigFile } from "../../../../lib/config/yaml_file.ts";
import { FakeCliHost } from "../../../fakes/fake_cli_host.ts";

const SECRET = `sk-sollol-${"A".repeat(43)}`;
const HASH = `sha256:${sha256Of(SECRET)}`;

/** Runs `sollol key …`; stdin has this, in pieces of a few bytes. */
async function key(args: string[], stdin: string | Uint8Array = "", isTerminal = false) {
  let rest = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
  const input = {
    isTerminal: () => isTerminal,
    read: (into: Uint8Array) => {
      const piece = rest.subarray(0, Math.min(5_000, into.length));
      rest = rest.subarray(piece.length);
      into.set(piece);
      return Promise.resolve(piece.length === 0 ? null : piece.length);
    },
  };
  const commands = keyCommandsOf({ fillRandom: (bytes) => void bytes.fill(0), input });
  const root = { name: "sollol", summary: "", version: "1", commands: [commands] };
  const host = new FakeCliHost();
  const exitCode = await runCli(root, ["key", ...args], host);
  return { exitCode, host, out: host.stdout.text, said: host.stderr.text };
}

Deno.test("`key new` shows the key once, and what the configuration takes as it stands", async () => {
  const { exitCode, out } = await key([
    "new",
    "--name",
    "chat",
    "--scope",
    "inference",
    "--scope",
    "metrics",
  ]);
  equal(exitCode, 0);
  equal(out.split(SECRET).length, 2);
  const yaml = out.slice(out.indexOf("auth:"), out.indexOf("\n\nThen"));
  const [made] = mergeConfig({ file: parseConfigFile(yaml, "c.yaml") }).config.auth.keys;
  deepEqual([made!.name, made!.sha256, made!.scopes], ["chat", [sha256Of(SECRET)], ["inference", "metrics"]]);
});

Deno.test("`key new` makes a key for inference, if nothing is said; for programs as JSON", async () => {
  const { host } = await key(["new", "--json"]);
  deepEqual(host.json(), { name: "client", key: SECRET, hash: HASH, scopes: ["inference"] });
});

for (
  const { args, stdin = "", want } of [
    { args: ["new", "--name", "my chat"], want: /--name must be 1 to 64 letters/ },
    { args: ["new", "--scope", "root"], want: /--scope must be one of inference, metrics, worker, admin/ },
    { args: ["new", "hunter2"], want: /too many arguments|hunter2/ },
    { args: ["hash"], want: /The key on stdin is missing/ },
    { args: ["hash"], stdin: "\nhunter2\n", want: /is missing/ },
    { args: ["hash"], stdin: "hunter 2\n", want: /must be printable ASCII without spaces/ },
    { args: ["hash"], stdin: "k".repeat(255), want: /must have at most 254 characters/ },
    { args: ["hash"], stdin: "k".repeat(100_000), want: /must be a line of at most 64 KiB/ },
    { args: ["hash"], stdin: new Uint8Array([0xff, 0xfe]), want: /must be text/ },
  ]
) {
  Deno.test(`\`key ${args.join(" ")}\` with ${JSON.stringify(stdin.slice(0, 10))} on stdin is refused`, async () => {
    const { exitCode, out, said } = await key(args, stdin);
    deepEqual([exitCode, out], [2, ""]);
    match(said, want);
    ok(!args.includes("hash") || !said.includes("hunter"), said);
  });
}

for (const stdin of [`${SECRET}\n`, SECRET, `${SECRET}\r\nmore\n`, `  ${SECRET}  \n`]) {
  Deno.test(`\`key hash\` prints the hash of ${JSON.stringify(stdin.replace(SECRET, "KEY"))}`, async () => {
    const { exitCode, out, said } = await key(["hash"], stdin);
    deepEqual([exitCode, out, said], [0, `${HASH}\n`, ""]);
  });
}

Deno.test("`key hash` tells a person what it waits for, and programs the hash as JSON", async () => {
  match((await key(["hash"], SECRET, true)).said, /Type the key, then Enter/);
  deepEqual((await key(["hash", "--json"], SECRET)).host.json(), { hash: HASH });
});
