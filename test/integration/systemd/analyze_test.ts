import { deepEqual, equal, match, ok } from "node:assert/strict";
import { commandLine, environmentLines, quotePath } from "../../../systemd/quote.ts";
import { readableLines } from "../../../systemd/readable_lines.ts";
import type { UnitFile } from "../../../systemd/unit_file.ts";
import { escapeForUnitName, instanceName } from "../../../systemd/unit_name.ts";
import { NASTY_WORDS } from "../../fixtures/nasty_words.ts";
import { unitForms } from "../../fixtures/unit_forms.ts";

const PROGRAM = "/bin/true";
const FORMS = unitForms({ rpcServer: PROGRAM, llamaServer: PROGRAM, sollol: [PROGRAM] });
/** systemd-analyze takes a template for a mistake, so one of its instances is looked at. */
const INSTANCE = "50052";

/** What `systemd-analyze` said. */
interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

for (const { form, units, maxExposure } of FORMS) {
  systemdTest(`systemd finds nothing wrong with ${form}`, async (directory) => {
    deepEqual(await verify(directory, units, form.endsWith("_user")), CLEAN);
  });
  if (maxExposure === undefined) continue;
  systemdTest(`systemd takes the exposure of ${form} for at most ${maxExposure}`, async (directory) => {
    const [path] = await write(directory, units);
    const { stdout, stderr } = await analyze(directory, ["security", "--offline=true", "--no-pager", path!]);
    const [, exposure] = /Overall exposure level for \S+: (\d+\.\d)/.exec(stdout) ?? [];
    ok(exposure !== undefined, stdout + stderr);
    ok(Number(exposure) <= maxExposure, stdout.split("\n").filter((line) => line.startsWith("✗")).join("\n"));
  });
}

systemdTest(
  "systemd finds nothing wrong with nasty programs, arguments, variables and paths",
  async (directory) => {
    const program = `${directory}/my $HOME 100% {tools};#/tr:ue`;
    await Deno.mkdir(program.slice(0, program.lastIndexOf("/")));
    await Deno.copyFile(PROGRAM, program);
    const paths = [`/srv/a b:c`, `/home/"it's"\\/100%/$x`, "/srv/é🦙"].map((path) => ({ path }));
    const text = [
      "[Service]",
      `ExecStart=${commandLine([program, ...NASTY_WORDS])}`,
      ...environmentLines(Object.fromEntries(NASTY_WORDS.map((word, index) => [`WORD_${index}`, word]))),
      ...readableLines([...paths, { path: "/srv/x", closedBy: "/srv/closed one" }]),
      `ReadWritePaths=${paths.map(({ path }) => quotePath(path, "a path")).join(" ")}`,
      "",
    ].join("\n");
    deepEqual(await verify(directory, [{ name: "sollol-nasty.service", text }]), CLEAN);
  },
);

for (
  const { name, lines, complaint } of [
    { name: "a misspelt key", lines: `ExecStart=${PROGRAM}\nRestrat=always`, complaint: /Unknown key/ },
    {
      name: "a program that is not there",
      lines: "ExecStart=/nonexistent/program",
      complaint: /not executable/,
    },
    {
      name: "quotes in a program's path",
      lines: `ExecStart="/bin/\\"true"`,
      complaint: /special characters/,
    },
  ]
) {
  systemdTest(`such a test would find ${name}`, async (directory) => {
    const unit = { name: "sollol-wrong.service", text: `[Service]\n${lines}\n` };
    match((await verify(directory, [unit])).stderr, complaint);
  });
}

systemdTest("unit names are escaped as systemd-escape does", async () => {
  const texts = NASTY_WORDS.filter((text) => text !== "" && text.length < 200).concat(
    "/a/b",
    ".",
    "..a",
    "a\nb",
    "\t",
  );
  const { stdout } = await new Deno.Command("systemd-escape", { args: ["--", ...texts] }).output();
  deepEqual(texts.map(escapeForUnitName), new TextDecoder().decode(stdout).trim().split(" "));
});

systemdTest("an instance's name is that of systemd-escape --template", async () => {
  const args = ["--template=sollol-rpc@.service", "--", "a/b c-d"];
  const { stdout } = await new Deno.Command("systemd-escape", { args }).output();
  equal(instanceName("sollol-rpc@.service", "a/b c-d"), new TextDecoder().decode(stdout).trim());
});

const CLEAN: Said = { code: 0, stdout: "", stderr: "" };

async function verify(directory: string, units: readonly UnitFile[], isUser = false): Promise<Said> {
  const paths = await write(directory, units);
  return await analyze(directory, [
    "verify",
    ...(isUser ? ["--user"] : []),
    "--recursive-errors=no",
    ...paths,
  ]);
}

/** Writes them, templates as an instance of theirs. @returns Their paths. */
async function write(directory: string, units: readonly UnitFile[]): Promise<string[]> {
  return await Promise.all(units.map(async ({ name, text }) => {
    const path = `${directory}/${name.includes("@.") ? instanceName(name, INSTANCE) : name}`;
    await Deno.writeTextFile(path, text);
    return path;
  }));
}

/** Of what it says of other units of this host nothing is told. */
async function analyze(directory: string, args: readonly string[]): Promise<Said> {
  const env = { XDG_RUNTIME_DIR: directory, LC_ALL: "C.UTF-8" };
  const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", { args: [...args], env })
    .output();
  const complaints = new TextDecoder().decode(stderr).split("\n").filter((line) => line.includes("sollol"));
  return { code, stdout: new TextDecoder().decode(stdout), stderr: complaints.join("\n") };
}

/** Registers a test that needs systemd's tools; where they are missing it is skipped, and its name says so. */
function systemdTest(name: string, body: (directory: string) => Promise<void>): void {
  if (!hasSystemd()) {
    Deno.test({ name: `${name} (skipped: no systemd-analyze on this host)`, ignore: true, fn: () => {} });
    return;
  }
  Deno.test(name, async () => {
    const directory = await Deno.makeTempDir({ prefix: "sollol-units-" });
    try {
      await body(directory);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

function hasSystemd(): boolean {
  try {
    return new Deno.Command("systemd-analyze", { args: ["--version"], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}
