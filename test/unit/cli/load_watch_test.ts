import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { watchStart } from "../../../lib/cli/load_watch.ts";
import type { WatchedEvent } from "../../../lib/cli/watched_event.ts";
import { type Delivery, EventBus } from "../../../lib/bus.ts";
import type { CoordinatorReport } from "../../../lib/coordinator_admin.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { coordinatorReport } from "../../fixtures/coordinator_reports.ts";

/** A gateway whose events and answer come when the test says. */
class FakeApi {
  readonly bus = new EventBus<WatchedEvent>();
  readonly answer = Promise.withResolvers<CoordinatorReport>();
  readonly ended = new AbortController();
  /** What names mean there. */
  readonly known = new Map<string, CoordinatorReport>();
  askedCount = 0;

  async *watch(until: AbortSignal): AsyncGenerator<WatchedEvent, void> {
    const signal = AbortSignal.any([until, this.ended.signal]);
    for await (const delivery of this.bus.subscribe({ signal }) as AsyncIterable<Delivery<WatchedEvent>>) {
      if (delivery.kind === "event") yield delivery.event;
    }
    if (!until.aborted && this.ended.signal.reason instanceof GatewayError) throw this.ended.signal.reason;
  }

  getCoordinator(name: string): Promise<CoordinatorReport> {
    this.askedCount++;
    const report = this.known.get(name);
    return report ? Promise.resolve(report) : Promise.reject(new GatewayError("not_found", `No "${name}"`));
  }
}

const phase = (id: string, because: string): WatchedEvent => {
  return { type: "phase", id, model: `model of ${id}`, phase: "waiting for room", because };
};

/** All that was published has been read and shown. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

function start(api: FakeApi, { signal }: { signal?: AbortSignal } = {}) {
  const host = new FakeCliHost(signal ? { signal } : {});
  const clock = new FakeClock();
  const { stderr, env } = host;
  const begin = () => api.answer.promise;
  return {
    host,
    clock,
    started: watchStart(api, { name: "tiny", begin }, { stderr, env, signal: host.signal, clock }),
  };
}

Deno.test("watchStart() tells of the model that is meant, and of no other, and gives what begin gives", async () => {
  const api = new FakeApi();
  const { host, started } = start(api);
  const report = coordinatorReport("tiny:latest", { id: "c2" });
  api.bus.publish({ type: "snapshot", coordinators: [coordinatorReport("big", { id: "c1" })] });
  api.bus.publish(phase("c1", "of another"));
  api.bus.publish(phase("c1", "of another, again"));
  await settled();
  equal(api.askedCount, 1, "a stranger is asked about once");
  api.known.set("tiny", report);
  api.bus.publish(phase("c2", "big is in use"));
  api.bus.publish({
    type: "loading",
    id: "c2",
    model: "tiny:latest",
    stage: "loading",
    sentBytes: 1,
    totalBytes: 2,
  });
  api.bus.publish({ type: "loading", id: "c2", model: "tiny:latest", stage: "warming up" });
  await settled();
  api.answer.resolve(report);
  equal(await started, report);
  deepEqual(host.stderr.text.split("\n"), [
    "Loading tiny",
    "model of c2 waits for room: big is in use",
    "Warming tiny:latest up",
    "",
  ]);
  equal(api.bus.size, 0);
});

Deno.test("watchStart() tells at once of a load that was under way already", async () => {
  const api = new FakeApi();
  const report = coordinatorReport("tiny:latest", {
    state: "starting",
    phase: "loading",
    progress: { stage: "connecting" },
  });
  api.known.set("tiny", report);
  const { host, started } = start(api);
  api.bus.publish({ type: "snapshot", coordinators: [report] });
  await settled();
  api.answer.resolve(report);
  await started;
  match(host.stderr.text, /^Connecting tiny:latest to its rpc backends$/m);
});

Deno.test("watchStart() gives the gateway's refusal, and stops watching", async () => {
  const api = new FakeApi();
  const { started } = start(api);
  await settled();
  api.answer.reject(new GatewayError("insufficient_memory", "2 GiB are missing"));
  await rejects(started, { code: "insufficient_memory", message: "2 GiB are missing" });
  equal(api.bus.size, 0);
});

Deno.test("watchStart() ends when the events break, for then the answer may never come", async () => {
  const api = new FakeApi();
  const { started } = start(api);
  await settled();
  api.ended.abort(new GatewayError("upstream_timeout", "Nothing was heard"));
  await rejects(started, { code: "upstream_timeout", message: "Nothing was heard" });
});

Deno.test("watchStart() lets a gateway that ends say what becomes of the load", async () => {
  const api = new FakeApi();
  const { started } = start(api);
  await settled();
  api.ended.abort();
  await settled();
  api.answer.reject(new GatewayError("shutting_down", "The gateway shuts down"));
  await rejects(started, { code: "shutting_down" });
});

Deno.test("watchStart() does not wait for ever for the last words of a gateway that ends", async () => {
  const api = new FakeApi();
  const { started, clock } = start(api);
  await settled();
  api.ended.abort();
  await settled();
  clock.advance(2_000);
  await rejects(started, { code: "upstream_failed", message: /ended while "tiny" was loading/ });
});

for (const isFound of [true, false]) {
  Deno.test(`watchStart() that is interrupted ${isFound ? "says that the load goes on" : "says nothing of a load that it has not seen"}`, async () => {
    const api = new FakeApi();
    const stop = new AbortController();
    if (isFound) api.known.set("tiny", coordinatorReport("tiny"));
    const { host, started } = start(api, { signal: stop.signal });
    api.bus.publish(phase("c1", "x"));
    await settled();
    const reason = new DOMException("Stopped by SIGINT", "AbortError");
    stop.abort(reason);
    api.answer.reject(reason);
    await rejects(started, reason);
    equal(/tiny goes on loading: "sollol ps" shows it/.test(host.stderr.text), isFound);
  });
}
