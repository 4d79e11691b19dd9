import { deepEqual, equal, ok } from "node:assert/strict";
import { ResumeBed } from "./resumed_stream.ts";
import { withLlamaCpp } from "./with_llama_cpp.ts";

const test = await withLlamaCpp();

test("a stream whose rpc backend is killed is continued, byte for byte as the undisturbed one", async (programs) => {
  await using bed = await ResumeBed.create(programs);
  const wanted = await bed.undisturbed();
  deepEqual([wanted.roleCount, wanted.finishReasons, wanted.usages.length], [1, ["length"], 1]);
  for (const killAt of [100, 1, 220]) {
    deepEqual(await bed.disturbed(killAt), wanted, `killed at token ${killAt}`);
  }
  await bed.stop();
  equal(bed.gateway.loads.length, 4, "each kill cost a coordinator");
  ok(bed.gateway.program.logged("request").every(({ outcome }) => outcome === "ok"));
});
