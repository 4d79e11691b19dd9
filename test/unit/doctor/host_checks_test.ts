import { examineClock } from "../../../lib/doctor/check_clock.ts";
import { examineDisk } from "../../../lib/doctor/check_disk.ts";
import { examineKernel } from "../../../lib/doctor/check_kernel.ts";
import { examineMemory } from "../../../lib/doctor/check_memory.ts";
import { examineOpenFiles } from "../../../lib/doctor/check_open_files.ts";
import { examineStateDirectory } from "../../../lib/doctor/check_state_directory.ts";
import { examineSystemd } from "../../../lib/doctor/check_systemd.ts";
import { GIB, MIB } from "../../../lib/units.ts";
import { FakeMachine, type FakeMachineNature } from "../../fakes/fake_machine.ts";
import { assertFinding, type WantedFinding } from "../../fixtures/assert_finding.ts";

interface Case extends FakeMachineNature, WantedFinding {
  readonly name: string;
}

const NEVER = new AbortController().signal;
const RELEASE = "/proc/sys/kernel/osrelease";
const MEMINFO = "/proc/meminfo";
const OVERCOMMIT = "/proc/sys/vm/overcommit_memory";
const CGROUP = "/sys/fs/cgroup";

const meminfo = (totalBytes: number, availableBytes: number) =>
  `MemTotal: ${totalBytes / 1024} kB\nMemAvailable: ${availableBytes / 1024} kB\nSwapTotal: 0 kB\n`;

const KERNEL: readonly Case[] = [
  {
    name: "tells which one it is",
    texts: { [RELEASE]: "6.1.0-18-amd64\n", "/proc/cpuinfo": "processor : 0\nprocessor : 1\n" },
    result: "ok",
    seen: /^Linux 6\.1\.0-18-amd64 on x86_64, 2 CPUs$/,
  },
  {
    name: "warns of one without address filters",
    texts: { [RELEASE]: "4.9.0\n" },
    result: "warn",
    cure: /upgrade/,
  },
  { name: "wants /proc", result: "fail", seen: /does not show \/proc/, cure: /mount it/ },
  { name: "does not look at other systems", os: "darwin", result: "skip", seen: /darwin on x86_64/ },
];

const MEMORY: readonly Case[] = [
  {
    name: "is fine with some gibibytes",
    texts: { [MEMINFO]: meminfo(16 * GIB, 8 * GIB), [OVERCOMMIT]: "0\n" },
    result: "ok",
    seen: /^8\.0 GiB of 16\.0 GiB free, no swap$/,
  },
  {
    name: "warns of little",
    texts: { [MEMINFO]: meminfo(16 * GIB, 100 * MIB) },
    result: "warn",
    seen: /100\.0 MiB of 16\.0 GiB free/,
    cure: /ps aux/,
  },
  {
    name: "warns of a limit of its control group",
    texts: {
      [MEMINFO]: meminfo(16 * GIB, 8 * GIB),
      "/proc/self/cgroup": "0::/\n",
      [`${CGROUP}/memory.max`]: `${GIB}`,
      [`${CGROUP}/memory.current`]: `${GIB - MIB}`,
    },
    result: "warn",
    seen: /1\.00 MiB of 1\.0 GiB free \(limited; the host has 16\.0 GiB\)/,
    cure: /MemoryMax=/,
  },
  {
    name: "warns where the kernel never overcommits",
    texts: { [MEMINFO]: meminfo(16 * GIB, 8 * GIB), [OVERCOMMIT]: "2\n" },
    result: "warn",
    cure: /sysctl vm\.overcommit_memory=0/,
  },
  { name: "does not look where nobody tells", os: "darwin", result: "skip", seen: /darwin does not tell/ },
];

const LIMITS = (soft: string) =>
  `Limit   Soft Limit  Hard Limit  Units\nMax open files            ${soft}   1048576   files\n`;

const OPEN_FILES: readonly (Case & { gatewayPid?: number })[] = [
  { name: "are enough", texts: { "/proc/self/limits": LIMITS("1048576") }, result: "ok" },
  { name: "may be unlimited", texts: { "/proc/self/limits": LIMITS("unlimited") }, result: "ok" },
  {
    name: "are too few for so many connections",
    texts: { "/proc/self/limits": LIMITS("1024") },
    result: "warn",
    seen: /1024 files may be open, but limits\.connections of 4096 may need 8448/,
    cure: /ulimit -n 8448 .*limits\.connections: 384/,
  },
  {
    name: "are those of the gateway that runs",
    gatewayPid: 7,
    texts: { "/proc/7/limits": LIMITS("1024"), "/proc/self/limits": LIMITS("1048576") },
    result: "warn",
    cure: /LimitNOFILE=8448/,
  },
  { name: "are not told everywhere", result: "skip" },
];

const SYNCHRONIZED = "/run/systemd/timesync/synchronized";
const TIMEDATECTL = "timedatectl show --property=NTPSynchronized --value";

const CLOCK: readonly Case[] = [
  { name: "is set by timesyncd", files: { [SYNCHRONIZED]: 0o644 }, result: "ok" },
  { name: "is set by somebody else", answers: { [TIMEDATECTL]: "yes\n" }, result: "ok" },
  { name: "is set by nobody", answers: { [TIMEDATECTL]: "no\n" }, result: "warn", cure: /set-ntp true/ },
  { name: "is not told without timedatectl", result: "skip" },
  { name: "is not told without a bus", answers: { [TIMEDATECTL]: { code: 1, stdout: "" } }, result: "skip" },
];

const DIRECTORIES = [{ path: "/var/lib/sollol", what: "the state" }, { path: "/logs", what: "logs" }];

const DISK: readonly Case[] = [
  {
    name: "has room, told once for each file system",
    files: { "/": { kind: "directory", device: 1 }, "/logs": { kind: "directory", device: 1 } },
    freeBytes: { 1: 5 * GIB },
    result: "ok",
    seen: /^5\.0 GiB free for the state$/,
  },
  {
    name: "runs short where the logs are",
    files: { "/": { kind: "directory", device: 1 }, "/logs": { kind: "directory", device: 2 } },
    freeBytes: { 1: 5 * GIB, 2: 200 * MIB },
    result: "warn",
    seen: /only 200\.0 MiB free for logs/,
    cure: /du -xh \/logs/,
  },
  {
    name: "is full",
    files: { "/": { kind: "directory", device: 1 } },
    freeBytes: { 1: 0 },
    result: "fail",
    seen: /the disk is full/,
  },
  { name: "does not tell", files: { "/": { kind: "directory", device: 1 } }, result: "skip" },
];

const STATE = "/var/lib/sollol";
const directory = (mode = 0o700) => ({ kind: "directory", mode } as const);

const STATE_DIRECTORY: readonly Case[] = [
  { name: "can be written", files: { [STATE]: directory() }, result: "ok", seen: /^\/var\/lib\/sollol$/ },
  {
    name: "is made later",
    files: { "/var/lib": directory() },
    result: "ok",
    seen: /made by the first start/,
  },
  {
    name: "is a file",
    files: { [STATE]: 0o644 },
    result: "fail",
    seen: /is no directory/,
    cure: /state_dir/,
  },
  {
    name: "may not be written",
    files: { [STATE]: directory() },
    troubles: { [STATE]: "this user may not" },
    result: "fail",
    cure: /sudo chown \$USER/,
  },
  {
    name: "is of a read-only file system",
    files: { [STATE]: directory() },
    troubles: { [STATE]: "the file system is read-only" },
    result: "fail",
    cure: /remount,rw/,
  },
  { name: "is open to everybody", files: { [STATE]: directory(0o777) }, result: "warn", cure: /chmod 700/ },
  {
    name: "cannot be made below a file",
    files: { "/var/lib": 0o644 },
    result: "fail",
    seen: /cannot be made: \/var\/lib is no directory/,
  },
  {
    name: "cannot be made where this user may not",
    files: { "/var/lib": directory() },
    troubles: { "/var/lib": "this user may not" },
    result: "fail",
    cure: /sudo install -d/,
  },
];

const RUNS = { "/run/systemd/system": directory() };
const UNIFIED = { [`${CGROUP}/cgroup.controllers`]: 0o444 };

const SYSTEMD: readonly Case[] = [
  {
    name: "keeps what units promise",
    files: { ...RUNS, ...UNIFIED },
    answers: { "systemctl --version": "systemd 252 (252.22-1)\n+PAM" },
    result: "ok",
    seen: /^systemd 252, cgroup v2/,
  },
  {
    name: "does not filter addresses without unified control groups",
    files: RUNS,
    answers: { "systemctl --version": "systemd 252 (252.22-1)\n" },
    result: "warn",
    seen: /IPAddressAllow= and memory limits of units do not hold/,
    cure: /unified_cgroup_hierarchy=1/,
  },
  {
    name: "is too old for credentials",
    files: { ...RUNS, ...UNIFIED },
    answers: { "systemctl --version": "systemd 245 (245.4)\n" },
    result: "warn",
    seen: /older than 247/,
  },
  { name: "does not run everywhere", result: "skip", seen: /does not run this machine/ },
  { name: "may not answer", files: RUNS, result: "skip" },
];

const TABLES: readonly [
  string,
  readonly Case[],
  (machine: FakeMachine, one: Case) => ReturnType<typeof examineKernel>,
][] = [
  ["kernel", KERNEL, (machine) => examineKernel(machine)],
  ["memory", MEMORY, (machine) => examineMemory(machine)],
  [
    "open files",
    OPEN_FILES,
    (machine, one) => {
      const { gatewayPid } = one as typeof OPEN_FILES[number];
      return examineOpenFiles(machine, { connectionCount: 4_096, gatewayPid });
    },
  ],
  ["clock", CLOCK, (machine) => examineClock(machine, NEVER)],
  ["disk", DISK, (machine) => examineDisk(machine, DIRECTORIES)],
  ["state directory", STATE_DIRECTORY, (machine) => examineStateDirectory(machine, STATE, NEVER)],
  ["systemd", SYSTEMD, (machine) => examineSystemd(machine, NEVER)],
];

for (const [what, cases, examine] of TABLES) {
  for (const one of cases) {
    Deno.test(`${what} ${one.name}`, async () =>
      assertFinding(await examine(new FakeMachine(one), one), one));
  }
}
