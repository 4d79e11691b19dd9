import { renderTable } from "../../lib/cli/table.ts";
import { mapConcurrently } from "../../lib/concurrent.ts";
import { BROKEN_INSTALLATIONS, type BrokenInstallation } from "../integration/doctor/broken_installations.ts";
import { Installation, type TestReport } from "../integration/doctor/installation.ts";

/**
 * Prints what `sollol doctor` says of a sound installation, and of each broken one: the fault that was made, the check
 * that found it, what it saw and what it advises. Ends with 1 if a fault was not found.
 */
const AT_ONCE = 4;

const write = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

const isTrouble = ({ result }: TestReport) => result === "warn" || result === "fail";

async function visitSound(): Promise<readonly TestReport[]> {
  await using installation = await Installation.create();
  return (await installation.visit()).checks;
}

/** `isFound` is `undefined` for what cannot be broken here. */
async function rowOf(broken: BrokenInstallation): Promise<{ isFound: boolean | undefined; cells: string[] }> {
  const { name, skip } = broken;
  if (skip !== undefined) return { isFound: undefined, cells: [name, "-", "-", `(${skip})`] };
  await using installation = await Installation.create();
  await broken.breakIt(installation);
  const { checks } = await installation.visit();
  const found = checks.find((report) => report.name === broken.check && isTrouble(report));
  const isFound = found !== undefined && broken.seen.test(found.seen) && broken.cure.test(found.cure ?? "");
  const words = [found?.seen ?? "NOT FOUND", found?.cure ?? ""].map((text) => {
    const short = text.replaceAll(installation.directory, "…");
    return short.length > 90 ? `${short.slice(0, 90)}…` : short;
  });
  return { isFound, cells: [broken.name, broken.check, found?.result ?? "-", ...words] };
}

if (import.meta.main) {
  const sound = await visitSound();
  const countOf = (result: string) => sound.filter((report) => report.result === result).length;
  write(`A sound installation: ${countOf("ok")} ok, ${countOf("skip")} not looked at`);
  for (const { name, result, seen } of sound.filter(isTrouble)) {
    write(`  of this host: ${name}: ${result}: ${seen}`);
  }
  const rows = await mapConcurrently(BROKEN_INSTALLATIONS, AT_ONCE, rowOf);
  const columns = ["BROKEN", "FOUND BY", "RESULT", "SEEN", "CURE"].map((title) => ({ title }));
  write("\n" + renderTable(columns, rows.map(({ cells }) => cells)));
  const tried = rows.filter(({ isFound }) => isFound !== undefined);
  const foundCount = tried.filter(({ isFound }) => isFound).length;
  write(`${foundCount} of ${tried.length} faults were found, each with its cure`);
  Deno.exit(foundCount === tried.length ? 0 : 1);
}
