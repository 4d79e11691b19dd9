import { equal, match, ok, throws } from "node:assert/strict";
import type { ClientKey } from "../../../lib/auth/client_key.ts";
import { ClientLimits } from "../../../lib/auth/client_limits.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** Limits with a clock of their own. */
function bed(usual: { clientConcurrency?: number; clientRequestsPerMinute?: number } = {}) {
  const clock = new FakeClock();
  const { clientConcurrency, clientRequestsPerMinute } = usual;
  const limits = { clientConcurrency, clientRequestsPerMinute };
  return { clock, limits: new ClientLimits({ config: { limits }, clock }) };
}

function client(name: string, of: { requestsPerMinute?: number; concurrency?: number } = {}) {
  const { requestsPerMinute, concurrency } = of;
  const none = { sha256: [], scopes: ["inference"] as const, models: undefined, maxPriority: undefined };
  const key: ClientKey = { name, ...none, requestsPerMinute, concurrency };
  return { key, address: "192.168.1.4" };
}

/** The refusal of a request; fails if it is let in. */
function refusal(admit: () => unknown): GatewayError {
  let refused: unknown;
  throws(admit, (error) => {
    refused = error;
    return error instanceof GatewayError;
  });
  return refused as GatewayError;
}

Deno.test("whoever has no limits is not counted", () => {
  const { limits } = bed();
  for (let at = 0; at < 1_000; at++) limits.admit(client("k"));
  equal(limits.rememberedCount, 0);
});

Deno.test("requests at a time: refused at once, and let in when one has ended", () => {
  const { limits } = bed();
  const chat = client("chat", { concurrency: 2 });
  const [first] = [limits.admit(chat), limits.admit(chat)];
  const { code, message } = refusal(() => limits.admit(chat));
  equal(code, "rate_limited");
  match(
    message,
    /^The key "chat" has 2 of at most 2 requests under way \(concurrency of the key\); wait until one/,
  );
  first![Symbol.dispose]();
  first![Symbol.dispose](); // once is once
  limits.admit(chat);
  refusal(() => limits.admit(chat));
});

Deno.test("requests in a minute: a minute's worth at once, then one as often as the rate says", () => {
  const { limits, clock } = bed();
  const bot = client("bot", { requestsPerMinute: 30 });
  for (let at = 0; at < 30; at++) limits.admit(bot)![Symbol.dispose]();
  const { retryAfterSeconds, message } = refusal(() => limits.admit(bot));
  equal(retryAfterSeconds, 2);
  match(
    message,
    /^The key "bot" has made its 30 requests of a minute \(requests_per_minute of the key\); ask again in 2 s/,
  );
  clock.advance(1_999);
  equal(refusal(() => limits.admit(bot)).retryAfterSeconds, 1);
  clock.advance(1);
  limits.admit(bot);
  refusal(() => limits.admit(bot));
  clock.advance(3_600_000);
  for (let at = 0; at < 30; at++) limits.admit(bot);
  refusal(() => limits.admit(bot));
});

for (const perMinute of [1, 3, 7, 59]) {
  Deno.test(`at ${perMinute} a minute, who waits as long as told is let in`, () => {
    const { limits, clock } = bed();
    const bot = client("bot", { requestsPerMinute: perMinute });
    limits.admit(bot, perMinute);
    for (let again = 0; again < 5; again++) {
      clock.advance(refusal(() => limits.admit(bot)).retryAfterSeconds! * 1_000);
      limits.admit(bot);
    }
  });
}

Deno.test("several requests at once count as many, and more than a minute's worth cannot be sent at all", () => {
  const { limits } = bed();
  const bot = client("bot", { requestsPerMinute: 10 });
  limits.admit(bot, 6);
  equal(refusal(() => limits.admit(bot, 6)).retryAfterSeconds, 12);
  limits.admit(bot, 4); // what was refused did not count
  const { code, message } = refusal(() => limits.admit(bot, 11));
  equal(code, "invalid_request");
  match(message, /may make 10 requests in a minute .* and these are 11 at once; send at most 10/);
});

Deno.test("who is refused for too many at a time has spent nothing of its rate", () => {
  const { limits } = bed();
  const bot = client("bot", { requestsPerMinute: 2, concurrency: 1 });
  const place = limits.admit(bot)!;
  for (let at = 0; at < 9; at++) match(refusal(() => limits.admit(bot)).message, /under way/);
  place[Symbol.dispose]();
  limits.admit(bot);
});

Deno.test("clients without own limits have the usual ones, by key or else by address, each for itself", () => {
  const { limits } = bed({ clientConcurrency: 1, clientRequestsPerMinute: 5 });
  const here = { key: undefined, address: "192.168.1.4" };
  limits.admit(here);
  match(
    refusal(() => limits.admit(here)).message,
    /^The client at 192\.168\.1\.4 has 1 of .*limits\.client_concurrency/,
  );
  limits.admit({ ...here, address: "192.168.1.5" });
  limits.admit(client("a"));
  limits.admit(client("b"));
  refusal(() => limits.admit(client("a")));
  const own = client("own", { concurrency: 3 });
  for (let at = 0; at < 3; at++) limits.admit(own);
  match(refusal(() => limits.admit(own)).message, /3 of at most 3 .*concurrency of the key/);
});

Deno.test("addresses without end do not fill the memory, and who is under way is not forgotten", () => {
  const { limits, clock } = bed({ clientConcurrency: 1 });
  const held = { key: undefined, address: "held" };
  limits.admit(held);
  for (let at = 0; at < 20_000; at++) {
    if (at % 500 === 0) clock.advance(60_000);
    limits.admit({ key: undefined, address: `fd00::${at}` })![Symbol.dispose]();
  }
  ok(limits.rememberedCount <= 3_000, `${limits.rememberedCount}`);
  refusal(() => limits.admit(held));
});

Deno.test("a limit that the operator changes counts at once", () => {
  const limits = { clientConcurrency: 1 as number | undefined, clientRequestsPerMinute: undefined };
  const counted = new ClientLimits({ config: { limits }, clock: new FakeClock() });
  const here = { key: undefined, address: "a" };
  counted.admit(here);
  refusal(() => counted.admit(here));
  limits.clientConcurrency = 2;
  counted.admit(here);
  limits.clientConcurrency = undefined;
  equal(counted.admit(here), undefined);
});

Deno.test("a request of several takes as many places as are left, and gives all of them back", () => {
  const { limits } = bed();
  const chat = client("chat", { concurrency: 3 });
  equal(limits.admit(client("free"), 500), undefined);
  const one = limits.admit(chat)!;
  equal(one.placeCount, 1);
  const several = limits.admit(chat, 500)!;
  equal(several.placeCount, 2);
  refusal(() => limits.admit(chat));
  several[Symbol.dispose]();
  several[Symbol.dispose]();
  equal(limits.admit(chat, 1)?.placeCount, 1);
  equal(limits.admit(chat, 2)?.placeCount, 1);
  refusal(() => limits.admit(chat));
});

Deno.test("of clients without a key those in one /64 are one, which may have any address in it", () => {
  const { limits } = bed({ clientConcurrency: 1 });
  const at = (address: string) => ({ key: undefined, address });
  limits.admit(at("fd00:1:2:3::1"));
  refusal(() => limits.admit(at("fd00:1:2:3:ffff::9")));
  limits.admit(at("fd00:1:2:4::1"));
  limits.admit(at("192.168.1.4"));
  limits.admit(at("192.168.1.5"));
});
