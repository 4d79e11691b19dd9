/**
 * Runs all tests: those without sockets first, then those with fakes beside those with real programs, since both wait more
 * than they compute. What runs beside is printed when it has ended, so that no line is torn. Ends with 1 if any failed.
 */
const UNIT = ["--parallel", "test/unit/"];
/** With fakes, and so much of the rest that both ends come at about the same time. */
const BESIDE = [
  "test/e2e/clients/",
  "test/e2e/doctor_test.ts",
  "test/e2e/probe_test.ts",
  "test/e2e/service_manager_test.ts",
  "test/e2e/smoke_test.ts",
  "test/e2e/systemd/",
  "test/e2e/worker_cut_test.ts",
];
const WITH_FAKES = ["test/contracts/", "test/integration/", ...BESIDE];
const WITH_PROGRAMS = [`--ignore=${BESIDE.join(",")}`, "test/e2e/"];

function suite(paths: readonly string[], output: "inherit" | "piped"): Deno.Command {
  const args = ["test", "--allow-all", "--no-check", ...paths]; // types are checked by `deno task check`, once for all
  return new Deno.Command(Deno.execPath(), { args, stdout: output, stderr: output });
}

async function run(paths: readonly string[]): Promise<boolean> {
  return (await suite(paths, "inherit").spawn().status).success;
}

/** What it says is printed by the function that it gives. */
async function runAside(paths: readonly string[]): Promise<() => Promise<boolean>> {
  const { success, stdout, stderr } = await suite(paths, "piped").output();
  return async () => {
    for (const text of [stderr, stdout]) {
      await new Response(text).body?.pipeTo(Deno.stdout.writable, KEEP_OPEN);
    }
    return success;
  };
}

const KEEP_OPEN = { preventClose: true };

const results = [await run(UNIT)];
const aside = runAside(WITH_FAKES);
results.push(await run(WITH_PROGRAMS));
results.push(await (await aside)());
Deno.exit(results.every((isSuccess) => isSuccess) ? 0 : 1);
