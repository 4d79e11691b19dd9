import { deepEqual, equal, match } from "node:assert/strict";
import { WaitingRoom } from "../../../lib/queue/waiting_room.ts";

Deno.test("a waiting room is full with as many as may wait, and says so", () => {
  const room = new WaitingRoom(() => 2);
  room.enter();
  equal(room.refusal("m"), undefined);
  room.enter();
  const refusal = room.refusal("m")!;
  deepEqual([refusal.code, refusal.status, refusal.retryAfterSeconds], ["rate_limited", 429, 1]);
  match(refusal.message, /^Cannot queue a request for "m": 2 requests wait already, .* raise limits\.queue$/);
  room.leave();
  deepEqual([room.count, room.refusal("m")], [1, undefined]);
});

Deno.test("a waiting room follows the settings", () => {
  let maxCount = 1;
  const room = new WaitingRoom(() => maxCount);
  room.enter();
  match(room.refusal("m")!.message, /: 1 request waits already, which is all that may;/);
  maxCount = 2;
  equal(room.refusal("m"), undefined);
  maxCount = 0;
  match(room.refusal("m")!.message, /: 0 requests wait already, which is all that may;/);
});

Deno.test("work in the background and all other requests have the same bound, each kind by itself", () => {
  const room = new WaitingRoom(() => 2);
  const [background, lowest] = [{ priority: -1 }, { priority: 0 }];
  room.enter({ priority: -1_000 });
  room.enter(background);
  deepEqual([room.count, room.refusal("m"), room.refusal("m", lowest)], [2, undefined, undefined]);
  match(
    room.refusal("m", background)!.message,
    /^Cannot queue a request for "m": 2 requests wait in the background already, .* raise limits\.queue$/,
  );
  room.enter();
  room.enter(lowest);
  equal(room.count, 4);
  match(room.refusal("m")!.message, /: 2 requests wait already,/);
  room.leave(background);
  equal(room.refusal("m", background), undefined);
  match(room.refusal("m", lowest)!.message, /: 2 requests wait already,/);
  room.leave(lowest);
  deepEqual([room.count, room.refusal("m")], [2, undefined]);
});

Deno.test("who enters a full waiting room all the same is counted", () => {
  const room = new WaitingRoom(() => 1);
  room.enter();
  room.enter();
  room.leave();
  match(room.refusal("m")!.message, /1 request waits/);
  equal(room.count, 1);
});
