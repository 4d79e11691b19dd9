import { systemClock } from "../../clock.ts";
import { mergeConfig } from "../../config/merge.ts";
import { ConfigError } from "../../config/config_error.ts";
import { type Report, runChecks } from "../../doctor/check.ts";
import type { ConfigReading } from "../../doctor/check_config.ts";
import { REAL_PROGRAMS } from "../../doctor/check_llama_cpp.ts";
import type { DoctorWorld } from "../../doctor/doctor_world.ts";
import { thisHost } from "../../doctor/machine.ts";
import { measureLink } from "../../doctor/measure_link.ts";
import { planChecks } from "../../doctor/plan_checks.ts";
import { HttpClient } from "../../http/client.ts";
import { refusedAddress } from "../../net/refused_address.ts";
import { probe } from "../../rpc/probe.ts";
import { describePortHolder } from "../../service/port_holder.ts";
import { ProcessHost } from "../../systemd/process_host.ts";
import { VERSION } from "../build_info.ts";
import { type CliHost, type Command, defineCommand } from "../command.ts";
import { CONFIG_OPTIONS, loadConfigForCommand } from "../config_flags.ts";
import { DoctorText, isUtf8, renderSummary } from "../doctor_text.ts";
import { readInstalledUnits } from "../doctor_units.ts";
import { gatewayWitness } from "../doctor_witness.ts";
import { GATEWAY_OPTIONS } from "../gateway_target.ts";
import { JSON_OPTION, writeJson } from "../output.ts";
import { startProgress } from "../progress.ts";
import { painter } from "../terminal.ts";

/** `sollol doctor`: looks at all that a gateway needs, and says what to do about what is wrong. */
export const doctorCommand: Command = defineCommand({
  name: "doctor",
  summary: "Look for all that could be wrong, and say what to do about it.",
  details:
    "Looks at the configuration, this machine, llama.cpp, the stored models, every rpc backend and Ollama node, the " +
    "network between, the gateway if one runs, and the units that sollol installed. It changes nothing, disturbs no " +
    "backend that serves somebody, shows no secret, and takes some ten seconds at most.\n\n" +
    "Ends with 0 if nothing fails, also where something could be better, and with 1 if something does not work. " +
    "What was not looked at says why.",
  options: { ...JSON_OPTION, ...GATEWAY_OPTIONS, ...CONFIG_OPTIONS },
  examples: ["doctor", "doctor --json", "doctor --gateway http://192.168.1.2:11435"],
  async run(context) {
    const reading = await loadConfigForCommand(context).catch((error): ConfigError => {
      if (error instanceof ConfigError) return error;
      throw error;
    });
    using http = new HttpClient({ names: { refuses: refusedAddress } });
    const { gateway, token } = context.options;
    const world = worldOf(reading, { gateway, token }, http, context);
    const { clock, signal } = world;
    const found = runChecks(planChecks(reading, world), { clock, signal });
    const reports = context.options.json
      ? await Array.fromAsync(found)
      : await writeAsTheyCome(found, context);
    if (context.options.json) writeJson(context, toJson(reports));
    return reports.some(({ result }) => result === "fail") ? 1 : 0;
  },
});

/** The world as it is. */
function worldOf(
  reading: ConfigReading,
  options: { readonly gateway: string | undefined; readonly token: string | undefined },
  http: HttpClient,
  context: CliHost,
): DoctorWorld {
  const { env, signal } = context;
  const unitHost = new ProcessHost(env);
  const config = reading instanceof ConfigError ? mergeConfig({}).config : reading.config;
  return {
    machine: thisHost,
    unitHost,
    env,
    clock: systemClock,
    http,
    probe,
    measure: measureLink,
    programs: REAL_PROGRAMS,
    witness: gatewayWitness({ options, config, env, http, clock: systemClock }),
    readUnits: () => readInstalledUnits(unitHost, context),
    describePortHolder,
    version: VERSION,
    signal,
  };
}

async function writeAsTheyCome(
  found: AsyncIterable<Report>,
  { stdout, stderr, env }: CliHost,
): Promise<readonly Report[]> {
  const paint = painter(stdout, env);
  const text = new DoctorText({ paint, columns: stdout.columns, isUtf8: isUtf8(env) });
  const reports: Report[] = [];
  for await (const report of waitedFor(found, { stderr, env })) {
    stdout.write(text.render(report));
    reports.push(report);
  }
  stdout.write(renderSummary(reports, paint));
  return reports;
}

/** Tells a person at a terminal that more is to come, and makes room for each line. */
async function* waitedFor(
  found: AsyncIterable<Report>,
  { stderr, env }: Pick<CliHost, "stderr" | "env">,
): AsyncGenerator<Report, void> {
  if (!stderr.isTerminal) return yield* found;
  const waiting = found[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Report>;
    {
      using _progress = startProgress({ stderr, env }, "Looking");
      next = await waiting.next();
    }
    if (next.done) return;
    yield next.value;
  }
}

function toJson(reports: readonly Report[]) {
  const count = (result: Report["result"]) => reports.filter((report) => report.result === result).length;
  const [okCount, warnCount, failCount, skipCount] = [
    count("ok"),
    count("warn"),
    count("fail"),
    count("skip"),
  ];
  return {
    result: failCount > 0 ? "fail" : warnCount > 0 ? "warn" : "ok",
    okCount,
    warnCount,
    failCount,
    skipCount,
    checks: reports.map(({ figures, ...report }) => ({ ...report, figures: figures ?? {} })),
  };
}
