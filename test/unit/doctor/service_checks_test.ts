import { deepEqual, equal } from "node:assert/strict";
import { judgeGateway } from "../../../lib/doctor/check_gateway.ts";
import { examineNode } from "../../../lib/doctor/check_node.ts";
import { examineUnit, type InstalledUnit } from "../../../lib/doctor/check_units.ts";
import { describeSkew } from "../../../lib/doctor/clock_skew.ts";
import type { GatewayWord, Testimony } from "../../../lib/doctor/gateway_witness.ts";
import { namedOllamas } from "../../../lib/doctor/known_nodes.ts";
import { parseUnitState } from "../../../lib/systemd/unit_state.ts";
import type { UnitReport } from "../../../lib/systemd/unit_report.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeMachine, type FakeMachineNature } from "../../fakes/fake_machine.ts";
import { FakeNodeHttp, type NodeBehaviour } from "../../fakes/fake_node_http.ts";
import { assertFinding, type WantedFinding } from "../../fixtures/assert_finding.ts";
import { unitReport } from "../../fixtures/unit_report.ts";

const signal = new AbortController().signal;

const WORD: GatewayWord = {
  kind: "told",
  version: "1.0.0",
  backends: [],
  nodes: [],
  workers: [],
  troubles: [],
  skewMs: 0,
};

const GATEWAYS:
  readonly (WantedFinding & { name: string; said: Testimony; isNamed?: boolean; service?: InstalledUnit })[] =
    [
      { name: "that is well", said: WORD, result: "ok", seen: /^http:\/\/g, sollol 1\.0\.0$/ },
      {
        name: "of another version",
        said: { ...WORD, version: "0.9.0" },
        result: "warn",
        seen: /but this program is 1\.0\.0/,
        cure: /^restart it/,
      },
      {
        name: "of another version that is a service",
        said: { ...WORD, version: "0.9.0" },
        service: { report: unitReport({ unit: "llm.service" }), isOfUser: true },
        result: "warn",
        cure: /^systemctl --user restart llm\.service$/,
      },
      {
        name: "in trouble",
        said: { ...WORD, troubles: ["Model a is not served: b"] },
        result: "warn",
        seen: /Model a is not served/,
        cure: /sollol status/,
      },
      {
        name: "with a wrong clock",
        said: { ...WORD, skewMs: -90_000 },
        result: "warn",
        seen: /its clock is 1 min 30 s behind/,
      },
      {
        name: "that does not run",
        said: { kind: "absent", reason: "none; start it" },
        result: "skip",
        seen: /none runs at http:\/\/g/,
      },
      {
        name: "that does not run where it was named",
        said: { kind: "absent", reason: "none; start it" },
        isNamed: true,
        result: "fail",
        cure: /^start it$/,
      },
      {
        name: "that wants another key",
        said: { kind: "silent", isGateway: true, reason: "it wants a key; give it" },
        result: "fail",
        cure: /^give it$/,
      },
      {
        name: "that is a stranger",
        said: { kind: "silent", isGateway: false, reason: "nonsense" },
        result: "skip",
        seen: /is none, or hangs/,
      },
    ];

for (const { name, said, isNamed = false, service, ...want } of GATEWAYS) {
  Deno.test(`a gateway ${name}`, () =>
    assertFinding(judgeGateway(said, { url: "http://g", isNamed, version: "1.0.0", service }), want));
}

Deno.test("describeSkew() leaves out what is rounding", () => {
  deepEqual([undefined, 0, 4_999, -4_999].map(describeSkew), [undefined, undefined, undefined, undefined]);
  equal(describeSkew(61_000), "its clock is 1 min 1 s ahead of this one's");
});

const STATE = [
  "LoadState=loaded",
  "ActiveState=active",
  "SubState=running",
  "UnitFileState=enabled",
  "MainPID=7",
  "Result=success",
];

function report(wish: Partial<UnitReport> = {}, state: readonly string[] = []): UnitReport {
  return unitReport({ state: parseUnitState([...STATE, ...state].join("\n")), ...wish });
}

const UNITS: readonly (FakeMachineNature & WantedFinding & { name: string; report: UnitReport })[] = [
  { name: "that runs is ok", report: report(), result: "ok", seen: /^running \(pid 7\)$/ },
  {
    name: "that somebody changed and systemd restarted is ok, and says so",
    report: report({ isEdited: true, isCurrent: undefined }, ["NRestarts=2", "DropInPaths=/x.conf"]),
    result: "ok",
    seen: /pid 7, edited by hand, changed by \/x\.conf, started again 2 times/,
  },
  {
    name: "that failed tells its last line",
    report: report({ trouble: "it ended with exit code 1", log: ["a", "no port"] }),
    result: "fail",
    seen: /exit code 1; it said last: no port/,
    cure: /^journalctl -u sollol\.service/,
  },
  {
    name: "whose program is gone fails",
    report: report({ missingProgram: "/usr/local/bin/sollol" }),
    result: "fail",
    seen: /\/usr\/local\/bin\/sollol is gone/,
  },
  {
    name: "whose file was changed is a warning",
    report: report({}, ["NeedDaemonReload=yes"]),
    result: "warn",
    cure: /daemon-reload/,
  },
  {
    name: "whose program was replaced is a warning",
    report: report(),
    links: { "/proc/7/exe": "/usr/local/bin/sollol (deleted)" },
    result: "warn",
    seen: /still runs the old \/usr\/local\/bin\/sollol,/,
    cure: /restart sollol\.service/,
  },
  {
    name: "of an older sollol is a warning",
    report: report({ isCurrent: false, because: "this sollol would write it otherwise" }),
    result: "warn",
    cure: /^install it again: sudo sollol systemd gateway install --listen=8080$/,
  },
  {
    name: "that does not start with the machine is a warning",
    report: report({}, ["UnitFileState=disabled"]),
    result: "warn",
    cure: /systemctl enable/,
  },
  {
    name: "without a running systemd is not looked at",
    report: report({ state: undefined }),
    result: "skip",
  },
  {
    name: "that is a template is not looked at",
    report: report({ unit: "sollol-rpc@.service", state: undefined }),
    result: "skip",
  },
];

for (const { name, report: one, result, seen, cure, ...nature } of UNITS) {
  Deno.test(`a unit ${name}`, async () => {
    const want = { result, ...(seen && { seen }), ...(cure && { cure }) };
    assertFinding(await examineUnit(new FakeMachine(nature), { report: one, isOfUser: false }), want);
  });
}

const PORT = 1;
const clock = new FakeClock(Date.parse("Sat, 01 Aug 2026 12:00:00 GMT"));
const dated = (date: string) => ({ text: `{"version":"0.33.0"}`, headers: [["Date", date]] as const });

const NODES: readonly (WantedFinding & { name: string; behaviour: NodeBehaviour; canWake?: boolean })[] = [
  {
    name: "that is well",
    behaviour: {},
    result: "ok",
    seen: /^up, Ollama 0\.33\.0, 1 model, answers in 0 ms$/,
  },
  { name: "that is down", behaviour: { as: "refused" }, result: "fail" },
  {
    name: "that can be woken",
    behaviour: { as: "refused" },
    canWake: true,
    result: "skip",
    seen: /is woken/,
  },
  {
    name: "that can be woken, and wants a key",
    behaviour: { version: { status: 401 } },
    canWake: true,
    result: "fail",
    cure: /api_key/,
  },
  { name: "that holds nothing", behaviour: { tags: [] }, result: "warn", cure: /ollama pull/ },
  {
    name: "whose clock is right",
    behaviour: { version: dated("Sat, 01 Aug 2026 12:00:02 GMT") },
    result: "ok",
  },
  {
    name: "whose clock is wrong",
    behaviour: { version: dated("Sat, 01 Aug 2026 11:00:00 GMT") },
    result: "warn",
    seen: /clock is 1 h 0 min behind/,
    cure: /set-ntp/,
  },
  { name: "whose clock makes no sense", behaviour: { version: dated("yesterday") }, result: "ok" },
];

for (const { name, behaviour, canWake = false, ...want } of NODES) {
  Deno.test(`a node ${name}`, async () => {
    const http = new FakeNodeHttp();
    http.set(PORT, behaviour);
    const node = { url: `http://127.0.0.1:${PORT}`, apiKey: undefined, canWake };
    assertFinding(await examineNode(node, { http, clock, signal }), want);
  });
}

Deno.test("namedOllamas() counts what several named once, with the key of the configuration", () => {
  const view = { url: "http://a:11434", aliases: ["http://b:11434"], canWake: true };
  const found = namedOllamas({
    configured: [{ url: "http://c:11434", apiKey: undefined, wake: undefined }],
    stored: ["http://b:11434", "http://c:11434", "http://d:11434"],
    ofEnvironment: "http://e:11434",
    views: [view],
  });
  deepEqual(found.map(({ url, canWake }) => [url, canWake]), [
    ["http://c:11434", false],
    ["http://a:11434", true],
    ["http://d:11434", false],
    ["http://e:11434", false],
  ]);
});
