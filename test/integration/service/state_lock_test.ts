import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { GatewayError } from "../../../lib/errors.ts";
import { ProcessTable } from "../../../lib/process/process_table.ts";
import { StateLock } from "../../../lib/service/state_lock.ts";

const NEVER = new AbortController().signal;

/** A directory that gateways want to run on. */
class StateBed implements AsyncDisposable {
  private constructor(readonly directory: string) {}

  static async create(): Promise<StateBed> {
    return new StateBed(await Deno.makeTempDir({ prefix: "state-lock-" }));
  }

  get state(): string {
    return join(this.directory, "state");
  }

  take({ signal = NEVER, patienceMs = 10_000 } = {}): Promise<StateLock | undefined> {
    return StateLock.take(this.state, { version: "0.1.0", signal, patienceMs });
  }

  /** Why it cannot be taken. */
  async refusal(): Promise<string> {
    const error = await this.take({ patienceMs: 50 }).then(() => undefined, (error) => error);
    equal(error instanceof GatewayError && error.code, "conflict");
    return error.message;
  }

  /** What the holder has written of itself, with these changes. */
  async rewrite(changes: Record<string, unknown>): Promise<void> {
    const path = join(this.state, "gateway.lock");
    const holder = JSON.parse(await Deno.readTextFile(path));
    await Deno.writeTextFile(path, JSON.stringify({ ...holder, ...changes }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

Deno.test("a state directory is made for this user alone, and held by one gateway", async () => {
  await using bed = await StateBed.create();
  using lock = await bed.take();
  lock?.servesAt("http://127.0.0.1:11435");
  equal((await Deno.stat(bed.state)).mode! & 0o777, 0o700);
  equal((await Deno.stat(join(bed.state, "gateway.lock"))).mode! & 0o777, 0o600);
  const refusal = await bed.refusal();
  match(
    refusal,
    /Cannot start on the state directory .*\/state: sollol 0\.1\.0 at http:\/\/127\.0\.0\.1:11435, since /,
  );
  match(
    refusal,
    new RegExp(`\\(pid ${Deno.pid}\\) runs on it; stop that one \\(kill ${Deno.pid}, or systemctl`),
  );
  match(refusal, /or give this one a directory of its own by --state-dir$/);
});

Deno.test("a state directory is free when its holder is gone, and what that one wrote is forgotten", async () => {
  await using bed = await StateBed.create();
  const first = await bed.take();
  first?.servesAt("http://127.0.0.1:1");
  first?.[Symbol.dispose]();
  using _second = await bed.take();
  equal((await bed.refusal()).includes("127.0.0.1:1"), false);
});

Deno.test("a state directory whose holder ends soon is waited for", async () => {
  await using bed = await StateBed.create();
  const first = await bed.take();
  const taking = bed.take();
  setTimeout(() => first?.[Symbol.dispose](), 150);
  using second = await taking;
  equal(second instanceof StateLock, true);
});

for (
  const { name, changes, want } of [
    {
      name: "is not the one that wrote who it is",
      changes: { pid: 2 ** 22 + 1 },
      want: /another gateway \(not the one that wrote who it is: sollol 0\.1\.0, .*, pid 4194305, is gone\)/,
    },
    {
      name: "has a pid that was given to another process",
      changes: { startTicks: 1 },
      want: /another gateway \(not the one that wrote/,
    },
    {
      name: "is in another container",
      changes: { pidNamespace: "pid:[1]" },
      want: /another gateway \(the last one was sollol 0\.1\.0, .*in another container or host\)/,
    },
    {
      name: "wrote nonsense",
      changes: { pid: "1; rm -rf /" },
      want: /: another gateway runs on it; stop that one,/,
    },
  ]
) {
  Deno.test({
    name: `a state directory whose holder ${name} is refused all the same, without a wrong pid to kill`,
    ignore: new ProcessTable().readSpace() === undefined,
    async fn() {
      await using bed = await StateBed.create();
      using _lock = await bed.take();
      await bed.rewrite(changes);
      const refusal = await bed.refusal();
      match(refusal, want);
      equal(refusal.includes("kill"), false);
    },
  });
}

Deno.test("a state directory that cannot be made is held by nobody", async () => {
  await using bed = await StateBed.create();
  await Deno.writeTextFile(bed.state, "a file");
  equal(await bed.take(), undefined);
});

Deno.test("whoever waits for a state directory stops waiting when it is told to end", async () => {
  await using bed = await StateBed.create();
  using _lock = await bed.take();
  const stop = new AbortController();
  const taking = bed.take({ signal: stop.signal });
  const reason = new Error("told to end");
  stop.abort(reason);
  await rejects(taking, reason);
  deepEqual([...Deno.readDirSync(bed.state)].map(({ name }) => name), ["gateway.lock"]);
});
