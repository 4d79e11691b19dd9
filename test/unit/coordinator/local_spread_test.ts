import { deepEqual, equal, match, ok } from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { modelBySpread, type Spread, SpreadSetting } from "../../../lib/coordinator/local_spread.ts";
import type { VerifiedPlacement } from "../../../lib/coordinator/placement_check.ts";
import type { ServingCoordinator } from "../../../lib/coordinator/serving.ts";
import type { ModelToFind } from "../../../lib/coordinator/sharded_model.ts";
import { silentLogger } from "../../../lib/log.ts";
import { CoordinatorPool } from "../../../lib/pool/pool.ts";
import type { CoordinatorLease, Prospect, Wanted } from "../../../lib/pool/pooled.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeCoordinator, SETTINGS } from "../pool/pool_bed.ts";
import { servedModel } from "../../fixtures/served_model.ts";

const MODEL: ModelToFind = {
  key: "m",
  model: "m:latest",
  resolve: () => Promise.reject(new Error("no file")),
};
const NEVER = new AbortController().signal;
const PLACEMENT: VerifiedPlacement = { devices: [], hostModelBytes: 0, because: "for a test" };

/** A coordinator that tells by its name how it is spread. */
class SpreadCoordinator extends FakeCoordinator implements ServingCoordinator {
  readonly address = { transport: "unix", path: "/nowhere.sock" } as const;
  readonly headers = [];
  readonly because = "for a test";
  readonly placement = PLACEMENT;
  readonly pid = 1;
  readonly served = servedModel({ name: "m" });
  readonly contextSize = 4096;
  readonly tokensPerSecond = 0;
  constructor(readonly upstream: Spread, private readonly outdated: AbortSignal) {
    super("m", [upstream], 1, () => {});
  }
  override get leaving(): AbortSignal {
    return this.outdated;
  }
}

/** A pool in which a model is prepared and started as the setting says. */
class Bed implements AsyncDisposable {
  readonly setting = new SpreadSetting("rpc");
  readonly prepared: Spread[] = [];
  /** Set to have something happen while a model is prepared. */
  preparing: () => Promise<void> = () => Promise.resolve();
  readonly pool = new CoordinatorPool<ServingCoordinator>({
    logger: silentLogger,
    settings: SETTINGS,
    clock: new FakeClock(),
    random: () => 0,
  });

  get wanted(): Wanted<ServingCoordinator> {
    return modelBySpread(MODEL, this.setting, {
      rpc: () => this.#way("rpc"),
      local: () => this.#way("local"),
    });
  }

  acquire(): Promise<CoordinatorLease<ServingCoordinator>> {
    return this.pool.acquire(this.wanted, { signal: NEVER });
  }

  #way(spread: Spread): Wanted<ServingCoordinator> {
    return {
      key: MODEL.key,
      model: MODEL.model,
      prepare: async () => {
        this.prepared.push(spread);
        await this.preparing();
        return this.#prospect(spread);
      },
    };
  }

  #prospect(spread: Spread): Prospect<ServingCoordinator> {
    return {
      fitsWith: () => true,
      place: () => ({
        endpoints: [spread],
        because: "for a test",
        start: () => Promise.resolve(new SpreadCoordinator(spread, this.setting.changed)),
        [Symbol.dispose]: () => {},
      }),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.pool.close();
  }
}

Deno.test("SpreadSetting tells once that it is another, and never that it is the same", () => {
  const setting = new SpreadSetting("rpc");
  const { changed } = setting;
  setting.set("rpc");
  ok(!changed.aborted);
  setting.set("local");
  equal(setting.now, "local");
  match(String(changed.reason), /Models are run whole on this host from now on/);
  ok(!setting.changed.aborted);
});

Deno.test("SpreadSetting is the new one already for whom it tells", () => {
  const setting = new SpreadSetting("local");
  const seen: unknown[] = [];
  setting.changed.addEventListener("abort", () => seen.push(setting.now, setting.changed.aborted));
  setting.set("rpc");
  deepEqual(seen, ["rpc", false]);
});

Deno.test("a model that nobody uses is started anew when it is to be spread otherwise", async () => {
  await using bed = new Bed();
  const lease = await bed.acquire();
  equal(lease.coordinator.upstream, "rpc");
  lease[Symbol.dispose]();
  const { id } = bed.pool.view("m")!;
  bed.setting.set("local");
  while (bed.pool.ready("m")?.upstream !== "local") await setImmediate();
  deepEqual([bed.prepared, bed.pool.views().length, bed.pool.view("m")!.id], [["rpc", "local"], 1, id]);
});

Deno.test("a model in use serves its requests first, and none that come later", async () => {
  await using bed = new Bed();
  const lease = await bed.acquire();
  bed.setting.set("local");
  const later = bed.acquire();
  await setImmediate();
  equal(bed.pool.view("m")!.state, "draining");
  ok(!(lease.coordinator as SpreadCoordinator).dead.aborted, "it was stopped in the middle of a request");
  lease[Symbol.dispose]();
  using next = await later;
  equal(next.coordinator.upstream, "local");
});

Deno.test("a model that is being prepared is prepared anew for what is wanted by then", async () => {
  await using bed = new Bed();
  bed.preparing = () => {
    bed.setting.set("local");
    return Promise.resolve();
  };
  using lease = await bed.acquire();
  equal(lease.coordinator.upstream, "local");
  deepEqual(bed.prepared, ["rpc", "local"]);
});
