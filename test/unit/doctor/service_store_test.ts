import { examineStoreOfService } from "../../../lib/doctor/check_service_store.ts";
import type { InstalledUnit } from "../../../lib/doctor/check_units.ts";
import { FakeUnitHost } from "../../fakes/fake_unit_host.ts";
import { assertFinding, type WantedFinding } from "../../fixtures/assert_finding.ts";

const signal = new AbortController().signal;
const STORE = "/usr/share/ollama/.ollama/models";
const UNIT = "/etc/systemd/system/sollol.service";

function installed(isOfUser = false): InstalledUnit {
  return {
    isOfUser,
    report: {
      unit: "sollol.service",
      path: UNIT,
      isEdited: false,
      isCurrent: true,
      because: undefined,
      missingProgram: undefined,
      state: undefined,
      trouble: undefined,
      log: [],
    },
  };
}

const CASES: readonly (WantedFinding & {
  name: string;
  units?: readonly InstalledUnit[];
  prepare?: (host: FakeUnitHost) => void;
})[] = [
  { name: "is not asked about without a service", units: [], result: "skip" },
  { name: "is the user's own for a service of the user", units: [installed(true)], result: "ok" },
  { name: "is open to everybody", prepare: (host) => host.addDirectory(STORE), result: "ok" },
  {
    name: "is open to nobody",
    prepare: (host) => host.addDirectory(STORE, 0o700),
    result: "fail",
    seen: /may not read \/usr\/share\/ollama/,
    cure: /chmod -R o\+rX/,
  },
  {
    name: "is in a home that services do not see, and the unit does not bind it",
    prepare: (host) => host.addDirectory("/home"),
    result: "warn",
    seen: /was installed without access to \/home\/ann\/models/,
    cure: /sollol systemd gateway install/,
  },
];

for (const { name, units = [installed()], prepare = () => {}, ...want } of CASES) {
  Deno.test(`the store of a service ${name}`, async () => {
    const host = new FakeUnitHost().add(UNIT, "[Service]\nUser=x\n");
    prepare(host);
    const paths = name.includes("home") ? ["/home/ann/models"] : [STORE];
    assertFinding(await examineStoreOfService(host, { paths, units, signal }), want);
  });
}
