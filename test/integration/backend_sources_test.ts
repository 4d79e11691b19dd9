import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { BackendSources } from "../../lib/backend_sources.ts";
import type { RpcBackendConfig } from "../../lib/config/config.ts";
import { RefusedMemory } from "../../lib/coordinator/refused_memory.ts";
import { GatewayError } from "../../lib/errors.ts";
import { silentLogger } from "../../lib/log.ts";
import { type BackendLimits, UNLIMITED } from "../../lib/rpc/backend.ts";
import { type Endpoint, parseEndpoint } from "../../lib/rpc/endpoint.ts";
import { BackendStore } from "../../lib/store/backend_store.ts";
import { openDatabase } from "../../lib/store/open_database.ts";
import { GIB } from "../../lib/units.ts";
import { RegistryBed } from "../fixtures/registry_bed.ts";

const A = parseEndpoint("10.0.0.1:50052");
const B = parseEndpoint("10.0.0.2:50052");
const C = parseEndpoint("10.0.0.3:50052");

/** Runs a test with a state directory that several lives of a gateway can share. */
async function withState(
  test: (open: (configured?: readonly RpcBackendConfig[]) => Life) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "backend-sources-" });
  try {
    await test((configured = []) => new Life(directory, configured));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** One life of a gateway, as far as its backends go. */
class Life implements AsyncDisposable {
  readonly bed = new RegistryBed();
  readonly sources: BackendSources;
  readonly #database;

  constructor(directory: string, configured: readonly RpcBackendConfig[]) {
    this.#database = openDatabase(join(directory, "sollol.db"), { logger: silentLogger });
    const store = new BackendStore(this.#database, { logger: silentLogger });
    const { registry, clock } = this.bed;
    const refusedMemory = new RefusedMemory({ clock, trustMs: 60_000 });
    this.sources = new BackendSources({
      registry,
      store,
      refusedMemory,
      configured,
      clock,
      logger: silentLogger,
    });
  }

  get known(): string[] {
    return this.sources.listBackends().map(({ endpoint, sources }) => `${endpoint} by ${sources.join("+")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bed[Symbol.asyncDispose]();
    this.#database[Symbol.dispose]();
  }
}

Deno.test("a backend that was registered by hand is known after a restart, with its limits", () =>
  withState(async (open) => {
    {
      await using first = open();
      const view = await first.sources.addBackend(A, { memoryLimitBytes: 15 * GIB });
      deepEqual([view.health, view.limits.memoryLimitBytes], ["up", 15 * GIB]);
      const again = await first.sources.addBackend(A, { isExcluded: true });
      deepEqual(again.limits, { ...UNLIMITED, memoryLimitBytes: 15 * GIB, isExcluded: true });
    }
    await using second = open();
    deepEqual(second.known, ["10.0.0.1:50052 by admin"]);
    equal(second.sources.listBackends()[0]!.limits.memoryLimitBytes, 15 * GIB);
    equal(second.sources.removeBackend(A).outcome, "removed");
    await second[Symbol.asyncDispose]();
    await using third = open();
    deepEqual(third.known, []);
  }));

Deno.test("what the configuration names can be registered, too, but not be forgotten", () =>
  withState(async (open) => {
    await using life = open([{ ...A, limits: UNLIMITED }]);
    await life.sources.addBackend(A, {});
    deepEqual(life.known, ["10.0.0.1:50052 by config+admin"]);
    for (let times = 0; times < 2; times++) {
      throws(() => life.sources.removeBackend(A), (error) => {
        match((error as Error).message, /the configuration names it \(rpc_backends\); remove it there/);
        return error instanceof GatewayError && error.code === "conflict";
      });
    }
    deepEqual(life.known, ["10.0.0.1:50052 by config"]);
  }));

Deno.test("what was registered without a limit follows the configuration's, also when that changes", () =>
  withState(async (open) => {
    const limited = (gib: number) => [{ ...A, limits: { ...UNLIMITED, memoryLimitBytes: gib * GIB } }];
    {
      await using first = open(limited(2));
      const view = await first.sources.addBackend(A, { bytesPerSecond: 1e8 });
      deepEqual(view.limits, { ...UNLIMITED, memoryLimitBytes: 2 * GIB, bytesPerSecond: 1e8 });
    }
    await using second = open(limited(8));
    deepEqual(second.sources.listBackends()[0]!.limits, {
      ...UNLIMITED,
      memoryLimitBytes: 8 * GIB,
      bytesPerSecond: 1e8,
    });
  }));

Deno.test("what nobody registered cannot be forgotten", () =>
  withState(async (open) => {
    await using life = open();
    await rejects(async () => await life.sources.removeBackend(B), /There is no rpc backend 10.0.0.2:50052/);
  }));

Deno.test("one that a coordinator of ours holds goes when that ends", () =>
  withState(async (open) => {
    await using life = open();
    await life.sources.addBackend(A, {});
    const lease = life.bed.registry.lease(["10.0.0.1:50052"], "llama3.1:70b");
    const { outcome, reason } = life.sources.removeBackend(A);
    equal(outcome, "after release");
    match(reason, /llama3\.1:70b/);
    deepEqual(life.sources.listBackends().map(({ health, holder }) => [health, holder]), [
      ["held", "llama3.1:70b"],
    ]);
    lease[Symbol.dispose]();
    deepEqual(life.known, []);
  }));

Deno.test("what Redis holds comes and goes with it, and says where to remove it", () =>
  withState(async (open) => {
    await using life = open();
    life.sources.setRedisBackends([A, B]);
    deepEqual(life.known, ["10.0.0.1:50052 by redis", "10.0.0.2:50052 by redis"]);
    throws(() => life.sources.removeBackend(A), /it is registered in Redis; delete its key there/);
    life.sources.setRedisBackends([B]);
    deepEqual(life.known, ["10.0.0.2:50052 by redis"]);
  }));

const named = (endpoint: Endpoint, limits: Partial<BackendLimits> = {}) => ({
  ...endpoint,
  limits: { ...UNLIMITED, ...limits },
});

Deno.test("what the configuration names no more goes, what it names now comes, and the rest is left alone", () =>
  withState(async (open) => {
    await using life = open([named(A), named(B)]);
    await life.bed.settle();
    life.sources.configure([named(B), named(C)]);
    await life.bed.settle();
    deepEqual(life.known, ["10.0.0.2:50052 by config", "10.0.0.3:50052 by config"]);
    deepEqual(life.bed.probed, ["10.0.0.1:50052", "10.0.0.2:50052", "10.0.0.3:50052"]);
    life.sources.configure([]);
    deepEqual(life.known, []);
  }));

Deno.test("one that the configuration names no more goes when our coordinator is done with it, or stays if it is named again", () =>
  withState(async (open) => {
    for (const isNamedAgain of [false, true]) {
      await using life = open([named(A)]);
      await life.bed.settle();
      const lease = life.bed.registry.lease(["10.0.0.1:50052"], "llama3.1:70b");
      life.sources.configure([]);
      equal(life.sources.listBackends()[0]!.holder, "llama3.1:70b");
      deepEqual([lease.lost.aborted, lease.leaving.aborted], [false, true]);
      if (isNamedAgain) life.sources.configure([named(A)]);
      lease[Symbol.dispose]();
      deepEqual(life.known, isNamedAgain ? ["10.0.0.1:50052 by config"] : []);
    }
  }));

Deno.test("limits that the configuration changes count at once, but what was said by hand goes before them", () =>
  withState(async (open) => {
    await using life = open([named(A, { memoryLimitBytes: GIB }), named(B)]);
    await life.sources.addBackend(B, { bytesPerSecond: 1e8 });
    life.sources.configure([
      named(A, { memoryLimitBytes: 2 * GIB, isExcluded: true }),
      named(B, { memoryLimitBytes: 3 * GIB, bytesPerSecond: 1e9 }),
    ]);
    deepEqual(life.sources.listBackends().map(({ limits }) => limits), [
      { ...UNLIMITED, memoryLimitBytes: 2 * GIB, isExcluded: true },
      { ...UNLIMITED, memoryLimitBytes: 3 * GIB, bytesPerSecond: 1e8 },
    ]);
    throws(() => life.sources.removeBackend(B), /the configuration names it/);
    equal(life.sources.listBackends()[1]!.limits.bytesPerSecond, 1e9, "what was said by hand is taken back");
  }));

Deno.test("limits of the configuration go with its word, also of a backend that others name still", () =>
  withState(async (open) => {
    await using life = open([named(A, { memoryLimitBytes: GIB }), named(B, { isExcluded: true })]);
    await life.sources.addBackend(A, { bytesPerSecond: 1e8 });
    life.sources.setRedisBackends([B]);
    life.sources.configure([]);
    deepEqual(life.known, ["10.0.0.1:50052 by admin", "10.0.0.2:50052 by redis"]);
    deepEqual(life.sources.listBackends().map(({ limits }) => limits), [
      { ...UNLIMITED, bytesPerSecond: 1e8 },
      UNLIMITED,
    ]);
    equal(life.sources.removeBackend(A).outcome, "removed");
  }));

Deno.test("a configuration that names more backends than there is room for ends nothing, and gets its room back", () =>
  withState(async (open) => {
    await using life = open([named(A)]);
    const crowd = Array.from(
      { length: 4_096 },
      (_, index) => parseEndpoint(`10.1.${index >> 8}.${index & 255}`),
    );
    life.sources.setRedisBackends(crowd);
    life.sources.configure([named(A), named(B)]);
    equal(life.bed.registry.view("10.0.0.2:50052"), undefined);
    life.sources.setRedisBackends([]);
    life.sources.configure([named(A), named(B)]);
    deepEqual(life.known, ["10.0.0.1:50052 by config", "10.0.0.2:50052 by config"]);
  }));
