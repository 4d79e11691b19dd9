import { deepEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { coordinatorUnit } from "../../../systemd/coordinator_unit.ts";
import { eventually } from "../eventually.ts";
import { withMachine } from "./with_machine.ts";

const test = await withMachine();

const UNIT = "sollol-coordinator.service";
const TELLER = "/usr/local/bin/tell arguments $HOME 100%";
const VALUES = [
  "two words",
  "  space around  ",
  "",
  "100%",
  "%n%i%%",
  "$HOME ${HOME} $$ $",
  `it's "quoted"`,
  String.raw`C:\temp\new\x41\\`,
  "ends with \\",
  "#comment ;comment",
  "a;b && c | d > e `f` $(g)",
  "* ? [a-z] {a,b} ~",
  "-@!+:|prefix",
  "ünïcödé 模型 🦙",
  "=key=value=",
  "--option=with value",
];

test("what stands in a unit", async (machine, step) => {
  await machine.write(TELLER, TELL_ARGUMENTS, 0o755);
  await machine.addUnits([coordinatorUnit({
    manager: "system",
    version: "0.0.0",
    program: TELLER,
    modelPath: '/opt/models/a model\'s 50% "best" $1.gguf',
    alias: "tiny %h $HOME",
    host: "127.0.0.1",
    port: 8080,
    rpc: ["127.0.0.1:50052"],
    args: ["--begin", ...VALUES],
    environment: Object.fromEntries(VALUES.map((value, index) => [`VALUE_${index}`, value])),
  })]);
  await machine.run(["systemctl", "start", "--no-block", UNIT]);
  let told: { values: string[]; environment: string[] } | undefined;
  await eventually("it tells", async () => (told = toldIn(await machine.journal(UNIT))) !== undefined);

  await step("reaches the program as it was given, whatever signs it holds", () => {
    const { values } = told!;
    deepEqual(values.slice(values.indexOf("--begin") + 1), VALUES);
    for (const value of ['/opt/models/a model\'s 50% "best" $1.gguf', "tiny %h $HOME"]) {
      deepEqual(values.filter((other) => other === value), [value]);
    }
    return Promise.resolve();
  });

  await step("reaches its environment likewise", () => {
    const isOurs = (entry: string) => entry.startsWith("VALUE_");
    deepEqual(
      told!.environment.filter(isOurs).sort(),
      VALUES.map((value, index) => `VALUE_${index}=${value}`).sort(),
    );
    return Promise.resolve();
  });
});

/** Base64, since the journal would cut and mend. */
const TELL_ARGUMENTS = `#!/bin/sh
echo "told $(printf '%s\\0' "$@" | base64 --wrap=0) $(env --null | base64 --wrap=0)"
exec sleep infinity
`;

function toldIn(journal: string): { values: string[]; environment: string[] } | undefined {
  const [, values, environment] = /^told (\S+) (\S+)$/m.exec(journal) ?? [];
  if (values === undefined || environment === undefined) return undefined;
  const list = (base64: string) => Buffer.from(base64, "base64").toString().split("\0").slice(0, -1);
  return { values: list(values), environment: list(environment) };
}
