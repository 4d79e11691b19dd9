import { examineStoreOfService } from "../../../lib/doctor/check_service_store.ts";
import { FakeUnitHost } from "../../fakes/fake_unit_host.ts";
import { assertFinding, type WantedFinding } from "../../fixtures/assert_finding.ts";
import { unitReport } from "../../fixtures/unit_report.ts";

const signal = new AbortController().signal;
const STORE = "/usr/share/ollama/.ollama/models";
const UNIT = "/etc/systemd/system/llm.service";

const CASES: readonly (WantedFinding & {
  name: string;
  isOfUser?: boolean;
  prepare?: (host: FakeUnitHost) => void;
})[] = [
  { name: "is the user's own for a service of the user", isOfUser: true, result: "ok" },
  { name: "is open to everybody", prepare: (host) => host.addDirectory(STORE), result: "ok" },
  {
    name: "is open to nobody",
    prepare: (host) => host.addDirectory(STORE, 0o700),
    result: "fail",
    seen: /may not read \/usr\/share\/ollama/,
    cure: /^open it to others: chmod -R o\+rX \/usr/,
  },
  {
    name: "is in a home that services do not see, and the unit does not bind it",
    prepare: (host) => host.addDirectory("/home"),
    result: "warn",
    seen: /was installed without access to \/home\/ann\/models/,
    cure: /^install it again: sudo sollol systemd gateway install --listen=8080$/,
  },
];

for (const { name, isOfUser = false, prepare = () => {}, ...want } of CASES) {
  Deno.test(`the store of a service ${name}`, async () => {
    const host = new FakeUnitHost().add(UNIT, "[Service]\nUser=x\n");
    prepare(host);
    const paths = name.includes("home") ? ["/home/ann/models"] : [STORE];
    const gateway = { isOfUser, report: unitReport({ unit: "llm.service", path: UNIT }) };
    assertFinding(await examineStoreOfService(host, { paths, gateway, signal }), want);
  });
}
