import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import type { OptionSpecs, OptionValues } from "../../../lib/cli/command.ts";
import { loadConfigForCommand, reloadConfigForCommand } from "../../../lib/cli/config_flags.ts";
import { ConfigError } from "../../../lib/config/config_error.ts";

/** A home directory, and what a command that reads its config there was given. */
async function homeWith(options: OptionValues<OptionSpecs> = {}) {
  const home = await Deno.makeTempDir({ prefix: "reload-config-" });
  await Deno.mkdir(join(home, ".config", "sollol"), { recursive: true });
  const path = join(home, ".config", "sollol", "config.yaml");
  const context = { options, env: { HOME: home, SOLLOL_COORDINATOR_SLOTS: "5" } };
  return {
    path,
    context,
    write: (text: string) => Deno.writeTextFile(path, text),
    [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }),
  };
}

const refusal = (pattern: RegExp) => (error: unknown) =>
  error instanceof ConfigError && pattern.test(error.message);

Deno.test("a config is read again from the same sources, and their order holds", async () => {
  await using home = await homeWith({ "log-level": "debug", set: ["model=flag"] });
  await home.write("model: file\nlog: {level: warn}\ncoordinator: {slots: 2, threads: 3}");
  const before = await loadConfigForCommand(home.context);
  await home.write("model: other\nlog: {level: error}\ncoordinator: {slots: 3, threads: 4}");
  const { config, path } = await reloadConfigForCommand(home.context, before);
  deepEqual([config.model, config.log.level, config.coordinator.slots, config.coordinator.threads, path], [
    "flag",
    "debug",
    5,
    4,
    home.path,
  ]);
});

Deno.test("a config file that is gone is an error, not the defaults, though nobody had named it", async () => {
  await using home = await homeWith();
  await home.write("api_keys: [hunter2]");
  const before = await loadConfigForCommand(home.context);
  await Deno.remove(home.path);
  await rejects(
    reloadConfigForCommand(home.context, before),
    refusal(/cannot read .*config\.yaml: there is no such file/),
  );
});

for (const text of ["", "\n", "# api_keys: [hunter2]\n"]) {
  Deno.test(`a config file of which ${JSON.stringify(text)} is left is an error, not the defaults`, async () => {
    await using home = await homeWith();
    await home.write("api_keys: [hunter2]");
    const before = await loadConfigForCommand(home.context);
    await home.write(text);
    await rejects(
      reloadConfigForCommand(home.context, before),
      refusal(/config\.yaml says nothing any more; write at least one key, or restart/),
    );
  });
}

Deno.test("a config file that said nothing from the start may go on so, and begin to", async () => {
  await using home = await homeWith();
  await home.write("# nothing yet\n");
  const before = await loadConfigForCommand(home.context);
  equal((await reloadConfigForCommand(home.context, before)).config.model, undefined);
  await home.write("model: a");
  equal((await reloadConfigForCommand(home.context, before)).config.model, "a");
});

Deno.test("a config file that came after the start is found", async () => {
  await using home = await homeWith();
  const before = await loadConfigForCommand(home.context);
  equal(before.path, undefined);
  await home.write("model: a");
  equal((await reloadConfigForCommand(home.context, before)).config.model, "a");
});
