import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { LocalHost, type LocalSupply } from "../../../lib/coordinator/local_host.ts";
import type { LocalPlan } from "../../../lib/coordinator/local_plan.ts";
import { LocalProspect } from "../../../lib/coordinator/local_prospect.ts";
import { GatewayError } from "../../../lib/errors.ts";
import type { GgufModel } from "../../../lib/gguf/model_info.ts";
import type { Pooled } from "../../../lib/pool/pooled.ts";
import { GIB } from "../../../lib/units.ts";
import { LLAMA_70B, llamaContent } from "../../fixtures/llama_content.ts";
import { plannerFor, SOME_MODEL } from "../../fixtures/model_planning.ts";

/** What differs from one prospect to another; 4096 tokens need 40 GiB, each further 4096 some 1.25 more. */
interface Scene {
  readonly host?: LocalHost;
  /** Free RAM, GiB. */
  readonly now?: number;
  /** Once what runs here is stopped, GiB. Default: as now. */
  readonly freed?: number;
  readonly minContextSize?: number;
  readonly env?: Record<string, string>;
  readonly content?: GgufModel;
}

/** A prospect whose start only remembers what it was given. */
class Bed {
  readonly host: LocalHost;
  readonly started: LocalPlan[] = [];
  readonly prospect: LocalProspect<Pooled>;

  constructor({ host = new LocalHost(), now = 64, freed = now, minContextSize, env, content }: Scene = {}) {
    this.host = host;
    this.prospect = new LocalProspect<Pooled>(SOME_MODEL, content ?? LLAMA_70B, {
      planner: plannerFor(env),
      host,
      supply: supplyOf(now, freed),
      besideBytes: 0,
      minContextSize,
      start: (plan) => {
        this.started.push(plan);
        return Promise.withResolvers<Pooled>().promise;
      },
    });
  }

  /** Takes a place and begins the start there. */
  start(): LocalPlan {
    using place = this.prospect.place()!;
    void place.start(new AbortController().signal, () => {});
    return this.started[0]!;
  }

  fitsWith(...freed: string[]): boolean {
    return this.prospect.fitsWith(new Set(freed));
  }
}

function supplyOf(now: number, freed: number): LocalSupply {
  const memories = (gib: number) => [{ name: "CPU", freeBytes: gib * GIB }];
  return { now: memories(now), freed: memories(freed) };
}

Deno.test("place() takes this host, and gives it back if nothing is started", () => {
  const { prospect, host } = new Bed();
  {
    using place = prospect.place()!;
    deepEqual(place.endpoints, ["this host"]);
    match(place.because, /^"big:latest" runs whole on this host: 80 layers, 4\d\.\d GiB of 64\.0 GiB free$/);
    equal(host.holder, "big:latest");
  }
  equal(host.holder, undefined);
});

Deno.test("a place that was started keeps this host for the start", () => {
  const bed = new Bed();
  const { lease, placement, shape, because } = bed.start();
  equal(bed.host.holder, "big:latest");
  deepEqual([placement.endpoints, placement.devices.length, shape.contextSize], [[], 1, 4096]);
  ok(because.startsWith(placement.because));
  lease[Symbol.dispose]();
  equal(bed.host.holder, undefined);
});

Deno.test("place() keeps the reserve free that the operator wants", () => {
  new Bed({ now: 44 }).start();
  const env = { SOLLOL_RPC_RESERVE: "8GiB" };
  throws(() => new Bed({ now: 44, env }).prospect.place(), /36\.0 GiB free beside a reserve of 8\.0 GiB/);
});

Deno.test("place() refuses with the numbers what does not fit, and takes nothing", () => {
  const { prospect, host } = new Bed({ now: 16 });
  throws(() => prospect.place(), (error: GatewayError) => {
    equal(error.code, "insufficient_memory");
    match(error.message, /^Cannot run "big:latest" whole on this host: needs 4\d\.\d GiB .*GiB are missing/);
    match(error.message, /model_sharding_enabled: true/);
    return true;
  });
  equal(host.holder, undefined);
});

Deno.test("place() gives nothing while another model runs here; fitsWith() says that it is in the way", () => {
  const host = new LocalHost();
  using _ = host.lease("other:latest", []);
  const bed = new Bed({ host, now: 30, freed: 64 });
  equal(bed.prospect.place(), undefined);
  deepEqual([bed.fitsWith(), bed.fitsWith("a:1"), bed.fitsWith("this host")], [false, false, true]);
});

Deno.test("place() gives nothing while another model runs here though there is memory for both", () => {
  const host = new LocalHost();
  using _ = host.lease("other:latest", []);
  const bed = new Bed({ host });
  equal(bed.prospect.place(), undefined);
  deepEqual([bed.fitsWith(), bed.fitsWith("this host")], [false, true]);
});

Deno.test("place() refuses at once what would not fit even if the other were stopped", () => {
  const host = new LocalHost();
  using _ = host.lease("other:latest", []);
  const bed = new Bed({ host, now: 10, freed: 20 });
  throws(() => bed.prospect.place(), /without "other:latest" it would have 19\.5 GiB free/);
  equal(bed.fitsWith("this host"), false);
});

Deno.test("fitsWith() counts what the other gave back since this host was looked at", () => {
  const host = new LocalHost();
  const other = host.lease("other:latest", []);
  const bed = new Bed({ host, now: 10, freed: 64 });
  other[Symbol.dispose]();
  equal(bed.fitsWith(), true);
  equal(bed.prospect.place(), undefined, "it was placed by what was seen while the other ran");
});

Deno.test("place() makes the context smaller only as far as the operator allows", () => {
  const env = { SOLLOL_COORDINATOR_CONTEXT_SIZE: "32768" };
  throws(() => new Bed({ now: 44, env }).prospect.place(), { code: "insufficient_memory" });
  throws(() => new Bed({ now: 44, env, minContextSize: 30_000 }).prospect.place(), {
    code: "insufficient_memory",
  });
  const { shape, because } = new Bed({ now: 44, env, minContextSize: 512 }).start();
  ok(shape.contextSize >= 512 && shape.contextSize < 30_000, String(shape.contextSize));
  match(
    because,
    new RegExp(`A larger context does not fit now, so each slot has ${shape.contextSize} tokens`),
  );
});

Deno.test("place() calls what the configuration cannot have the operator's mistake, not the client's", () => {
  const content = llamaContent({ ...ODD, headLength: 101 });
  const { prospect } = new Bed({ env: { SOLLOL_COORDINATOR_KV_TYPE: "q8_0" }, content });
  throws(() => prospect.place(), (error: GatewayError) => {
    equal(error.code, "model_unusable");
    match(error.message, /use f16\. The configuration's coordinator section asks for that$/);
    return true;
  });
});

/** Keys and values that no block of a quantised type divides. */
const ODD = {
  blockCount: 2,
  layerBytes: 1e6,
  outputBytes: 1e6,
  embeddingLength: 808,
  feedForwardLength: 1024,
};
