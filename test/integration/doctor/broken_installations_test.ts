import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mapConcurrently } from "../../../lib/concurrent.ts";
import { BROKEN_INSTALLATIONS, type BrokenInstallation } from "./broken_installations.ts";
import { Installation, type TestReport, type Visit } from "./installation.ts";

/** Of the host, which is not ours to make sound, and where others work meanwhile. */
const OF_THE_HOST = [
  "kernel",
  "memory",
  "clock",
  "open-files",
  "disk",
  "systemd",
  "unit",
  "exposure",
  "service-store",
];

/** Each waits for its fault, and starts programs; more of them would starve each other. */
const AT_ONCE = 4;

const isTrouble = ({ result }: TestReport) => result === "warn" || result === "fail";

Deno.test("sollol doctor finds nothing wrong with a sound installation", async () => {
  await using installation = await Installation.create();
  let visit = await installation.visit();
  for (let again = 0; again < 3 && hasSlow(visit); again++) visit = await installation.visit();
  const troubles = visit.checks.filter(isTrouble);
  deepEqual(troubles.filter(({ name }) => !OF_THE_HOST.includes(name)), []);
  for (
    const name of ["config", "access", "state-directory", "database", "port", "llama-server", "rpc-server"]
  ) {
    equal(visit.checks.find((check) => check.name === name)?.result, "ok", name);
  }
  for (const name of ["model-root", "models", "backend", "link", "network", "node"]) {
    equal(visit.checks.find((check) => check.name === name)?.result, "ok", name);
  }
  equal(visit.stderr, "");
  ok(!installation.backend.hasDied(), "the rpc backend survives");
});

Deno.test("sollol doctor finds the fault of each broken installation, and nothing else", async (t) => {
  const possible = BROKEN_INSTALLATIONS.filter(({ skip }) => skip === undefined);
  ok(possible.length >= 30, `only ${possible.length} can be made here`);
  const visits = await mapConcurrently(possible, AT_ONCE, examine);
  for (const [at, broken] of possible.entries()) {
    await t.step(broken.name, async () => {
      let visit = visits[at]!;
      // a machine with too much to do keeps somebody waiting now and then; a fault is there each time
      for (let again = 0; again < 3 && hasSlow(visit, broken.seen); again++) visit = await examine(broken);
      assertFound(visit, broken);
    });
  }
});

/** Words of whoever was not answered in time. */
const SLOW =
  /no answer within|did not answer|serves another client|took the connection|did not take a connection/;

/** @param expected What one is to say in any case. */
function hasSlow({ checks }: Visit, expected = /^$/): boolean {
  return checks.some((report) => isTrouble(report) && SLOW.test(report.seen) && !expected.test(report.seen));
}

async function examine({ breakIt }: BrokenInstallation): Promise<Visit> {
  await using installation = await Installation.create();
  await breakIt(installation);
  return await installation.visit();
}

function assertFound(visit: Visit, broken: BrokenInstallation): void {
  const { check, result, seen, cure, also = [] } = broken;
  const found = visit.checks.find((report) => report.name === check && isTrouble(report));
  ok(found, `found ${JSON.stringify(visit.checks.filter(isTrouble))}`);
  equal(found.result, result);
  match(found.seen, seen);
  match(found.cure ?? "", cure);
  const others = visit.checks.filter((report) => {
    const isMeant = report.name === check || also.includes(report.name) || OF_THE_HOST.includes(report.name);
    return isTrouble(report) && !isMeant;
  });
  deepEqual(others, []);
  equal(visit.exitCode, visit.checks.some((report) => report.result === "fail") ? 1 : 0);
  ok(!JSON.stringify(visit.checks).includes("a-secret-that-nobody-may-see"), "no secret is shown");
}
