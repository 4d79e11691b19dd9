import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import type { ExitCode } from "../../../lib/cli/command.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";

interface Ended {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

async function sollol(args: readonly string[], home: string): Promise<Ended> {
  const host = new FakeCliHost({ env: { HOME: home } });
  const code = await runCli(createRoot(), args, host);
  return { code, out: host.stdout.text, err: host.stderr.text };
}

async function withHome(body: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  try {
    await body(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("config init writes a file that only its owner reads, and that check likes; a second one does not replace it", () =>
  withHome(async (home) => {
    const path = join(home, ".config/sollol/config.yaml");
    deepEqual(await sollol(["config", "init", "--json"], home), {
      code: 0,
      out: `${JSON.stringify({ path }, undefined, 2)}\n`,
      err: "",
    });
    equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    const checked = await sollol(["config", "check"], home);
    deepEqual([checked.code, checked.out], [0, `ok: ${path}, 0 keys set, the rest as by default\n`]);
    await Deno.writeTextFile(path, "listen: 127.0.0.1:1\n");
    const again = await sollol(["config", "init"], home);
    equal(again.code, 1);
    match(again.err, /config\.yaml is there already; edit it, or replace it with --force/);
    equal(await Deno.readTextFile(path), "listen: 127.0.0.1:1\n");
    equal((await sollol(["config", "init", "--force"], home)).code, 0);
    match(await Deno.readTextFile(path), /^#listen: 127\.0\.0\.1:11435$/m);
  }));

Deno.test("config init says why it cannot write", () =>
  withHome(async (home) => {
    await Deno.writeTextFile(join(home, "file"), "");
    const { code, err } = await sollol(["config", "init", join(home, "file/config.yaml")], home);
    equal(code, 1);
    match(err, /Cannot write .*file\/config\.yaml: .*; name another FILE, or - to print it/);
  }));

Deno.test("config check tells every mistake with its line and what was probably meant", () =>
  withHome(async (home) => {
    const path = join(home, "wrong.yaml");
    await Deno.writeTextFile(path, "lisen: 1\ncoordinator:\n  slots: 0\n");
    const { code, err, out } = await sollol(["config", "check", path, "--json"], home);
    equal(code, 1);
    match(err, /unknown key "lisen"; did you mean "listen"\? \(file .*, line 1\)/);
    match(err, /coordinator\.slots must be at least 1, got 0 \(file .*, line 3\)/);
    equal(JSON.parse(out).error.code, "invalid_config");
    match((await sollol(["config", "check", join(home, "none.yaml")], home)).err, /there is no such file/);
  }));

Deno.test("config check reads the files of keys as a gateway would", () =>
  withHome(async (home) => {
    const [path, keyPath] = [join(home, "config.yaml"), join(home, "chat.key")];
    const entry = "{name: chat, file: chat.key}, {name: unit, credential: unit.key}";
    await Deno.writeTextFile(path, `worker_token: w\nauth: {keys: [${entry}]}\n`);
    match((await sollol(["config", "check", path], home)).err, /key "chat" .*there is no .*chat\.key/);
    await Deno.writeTextFile(keyPath, "hunter2\n", { mode: 0o640 });
    const open = await sollol(["config", "check", path], home);
    equal(open.code, 1);
    match(open.err, /chmod 600 \S+chat\.key \(file .*, line 2\)/);
    equal(/hunter2/.test(open.err + open.out), false);
    await Deno.chmod(keyPath, 0o600);
    const { code, out, err } = await sollol(["config", "check", path], home);
    equal(code, 0);
    match(out, /, 2 keys set, the rest as by default; 3 keys for clients\n$/);
    match(err, /key "unit" .*CREDENTIALS_DIRECTORY is not set.*; not checked, since a gateway that runs/);
    const json = await sollol(["config", "check", path, "--json"], home);
    const { ok, clientKeyCount, warnings } = JSON.parse(json.out);
    deepEqual([ok, clientKeyCount, warnings.length], [true, 3, 1]);
  }));

Deno.test("config show tells what was set and by whom, masks secrets, and the rest on demand", () =>
  withHome(async (home) => {
    const path = join(home, "config.yaml");
    await Deno.writeTextFile(path, "api_keys: [sk-secret]\n");
    const args = ["config", "show", "--config", path, "--set", "coordinator.slots=8"];
    const { code, out } = await sollol(args, home);
    equal(code, 0);
    match(out, /^KEY +VALUE +SOURCE\n/);
    match(out, /^coordinator\.slots +8 +flag --set coordinator\.slots$/m);
    match(out, /^api_keys +\*\*\* +file .*config\.yaml, line 1$/m);
    match(out, /\d+ keys as by default: sollol config show --all\n$/);
    const all = await sollol([...args, "--all", "--json"], home);
    equal(/sk-secret/.test(all.out), false);
    const keys: { key: string; source: string }[] = JSON.parse(all.out).keys;
    deepEqual(keys.find(({ key }) => key === "listen"), {
      key: "listen",
      value: "127.0.0.1:11435",
      source: "default",
    });
  }));

Deno.test("config schema is a JSON Schema that knows every section", () =>
  withHome(async (home) => {
    const { out } = await sollol(["config", "schema"], home);
    const schema = JSON.parse(out);
    equal(schema.type, "object");
    equal(schema.additionalProperties, false);
    for (const section of ["auth", "coordinator", "limits"]) {
      equal(typeof schema.properties[section], "object");
    }
  }));
