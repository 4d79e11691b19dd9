import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { loadConfigForCommand, reloadConfigForCommand } from "../../../lib/cli/config_flags.ts";
import { LiveConfig } from "../../../lib/config/live_config.ts";
import type { ConfigEvent } from "../../../lib/reload/config_reload.ts";
import { followConfig } from "../../../lib/reload/follow_config.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { RecordedLog } from "../../fixtures/recorded_log.ts";
import { until } from "../../fixtures/until.ts";

const PATIENCE = { withinMs: 10_000 };

/** A config file that is followed as `sollol serve` follows it. */
class FollowBed implements AsyncDisposable {
  readonly log = new RecordedLog();
  readonly host = new FakeCliHost();
  readonly events: ConfigEvent[] = [];

  private constructor(
    readonly path: string,
    readonly live: LiveConfig,
    readonly owned: AsyncDisposableStack,
  ) {}

  static async create(text: string): Promise<FollowBed> {
    await using owned = new AsyncDisposableStack();
    const directory = await Deno.makeTempDir({ prefix: "follow-config-" });
    owned.defer(() => Deno.remove(directory, { recursive: true }));
    const path = join(directory, "config.yaml");
    await Deno.writeTextFile(path, text);
    const context = { options: { config: path }, env: {} };
    const loaded = await loadConfigForCommand(context);
    const live = new LiveConfig(loaded.config);
    const bed = new FollowBed(path, live, owned.move());
    bed.owned.use(
      await followConfig({
        live,
        path,
        logger: bed.log.logger,
        onReload: bed.host.onReload,
        read: () => reloadConfigForCommand(context, loaded),
        onEvent: (event) => bed.events.push(event),
      }),
    );
    return bed;
  }

  write(text: string): Promise<void> {
    return Deno.writeTextFile(this.path, text);
  }

  /** As many editors do. */
  async replace(text: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}.new`, text);
    await Deno.rename(`${this.path}.new`, this.path);
  }

  async untilModel(model: string): Promise<void> {
    await until(() => this.live.config.model === model, `model is ${model}: ${this.log.said}`, PATIENCE);
  }

  async untilLogged(message: string): Promise<void> {
    await until(() => this.log.said.includes(message), `"${message}" in ${this.log.said}`, PATIENCE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned.disposeAsync();
  }
}

Deno.test("a change of the file is in force without being asked for", async () => {
  await using bed = await FollowBed.create("model: a");
  await bed.write("model: b\npool: {idle_ttl: 1m}");
  await bed.untilModel("b");
  await bed.replace("model: c\nlisten: 8080");
  await bed.untilModel("c");
  const { applied, needRestart } = bed.events.at(-1)!;
  deepEqual({ applied, needRestart }, { applied: ["model", "pool.idle_ttl"], needRestart: ["listen"] });
});

Deno.test("SIGHUP has the file read at once", async () => {
  await using bed = await FollowBed.create("model: a");
  equal(bed.host.reload(), 1);
  await bed.untilLogged("info config unchanged");
  await bed.write("model: b");
  bed.host.reload();
  await bed.untilModel("b");
});

for (
  const { name, spoil, problem } of [
    {
      name: "is broken amid a line",
      spoil: (bed: FollowBed) => bed.write("model: b\nrpc_backends: [10.0.0.1:50"),
      problem: /config\.yaml:2:\d+: /,
    },
    {
      name: "is wrong in two ways",
      spoil: (bed: FollowBed) => bed.replace("model: b\nslots: 2\nlog: {level: loud}"),
      problem:
        /^log\.level must be one of .* \(file .*, line 3\); unknown key "slots".* \(file .*, line 2\)$/,
    },
    { name: "was cut", spoil: (bed: FollowBed) => bed.write(""), problem: /says nothing any more/ },
    {
      name: "is gone",
      spoil: (bed: FollowBed) => Deno.remove(bed.path),
      problem: /cannot read .*config\.yaml: there is no such file/,
    },
  ]
) {
  Deno.test(`a file that ${name} leaves what was in force, and is healed by the next change`, async () => {
    await using bed = await FollowBed.create("model: a");
    const before = bed.live.current;
    await spoil(bed);
    await bed.untilLogged("warn config not taken, the one before stays in force");
    equal(bed.live.current, before);
    match(bed.events[0]!.error!, problem);
    await bed.replace("model: c");
    await bed.untilModel("c");
  });
}

Deno.test("a storm of writes and signals ends with the last one in force", async () => {
  await using bed = await FollowBed.create("model: a");
  for (let count = 0; count < 100; count++) {
    await (count % 2 ? bed.write(`model: m${count}`) : bed.replace(`model: m${count}`));
    bed.host.reload();
  }
  await bed.untilModel("m99");
});

Deno.test("nobody listens once it is over", async () => {
  const bed = await FollowBed.create("model: a");
  await bed[Symbol.asyncDispose]();
  equal(bed.host.reload(), 0);
  deepEqual(bed.log.said, []);
});

Deno.test("a file that is nowhere yet is no fault, and SIGHUP is heard all the same", async () => {
  const log = new RecordedLog();
  const host = new FakeCliHost();
  const live = new LiveConfig((await loadConfigForCommand({ options: {}, env: {} })).config);
  await using _following = await followConfig({
    live,
    path: "/nowhere/at/all/config.yaml",
    logger: log.logger,
    onReload: host.onReload,
    read: () => Promise.resolve({ config: { ...live.current, model: "b" }, warnings: [] }),
    onEvent: () => {},
  });
  deepEqual(log.said, []);
  host.reload();
  await until(() => live.config.model === "b", "the config was read", PATIENCE);
});
