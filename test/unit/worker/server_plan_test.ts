import { deepEqual, throws } from "node:assert/strict";
import {
  chooseDeviceGroups,
  parseDeviceGroup,
  planServers,
  type ServerWishes,
} from "../../../lib/worker/server_plan.ts";

const devices = (...names: string[]) =>
  names.map((name) => ({ name, description: "", totalBytes: 1, freeBytes: 1 }));
const GPUS = devices("CUDA0", "CUDA1", "CPU");

for (
  const { name, present, wishes, groups } of [
    { name: "takes all GPUs into one server", present: GPUS, wishes: {}, groups: [["CUDA0", "CUDA1"]] },
    {
      name: "takes the CPU where there is no GPU",
      present: devices("BLAS", "CPU"),
      wishes: {},
      groups: [["CPU"]],
    },
    {
      name: "takes a server for each",
      present: GPUS,
      wishes: { isPerDevice: true },
      groups: [["CUDA0"], ["CUDA1"]],
    },
    {
      name: "takes what is named",
      present: GPUS,
      wishes: { named: [["CPU"], ["CUDA1"]] },
      groups: [["CPU"], ["CUDA1"]],
    },
    { name: "leaves it to a server that does not tell", present: [], wishes: {}, groups: [[]] },
    {
      name: "believes the operator where the server does not tell",
      present: [],
      wishes: { named: [["X"]] },
      groups: [["X"]],
    },
  ]
) {
  Deno.test(`chooseDeviceGroups() ${name}`, () => {
    deepEqual(chooseDeviceGroups(present, { named: [], isPerDevice: false, ...wishes }), groups);
  });
}

Deno.test("chooseDeviceGroups() refuses a device that is not there, and says which are", () => {
  throws(
    () => chooseDeviceGroups(GPUS, { named: [["CUDA7"]], isPerDevice: false }),
    /this machine has no device CUDA7; it has CUDA0, CUDA1, CPU/,
  );
});

Deno.test("parseDeviceGroup() reads names with commas between", () => {
  deepEqual(parseDeviceGroup(" CUDA0, CUDA1"), ["CUDA0", "CUDA1"]);
  for (const text of ["", "CUDA0,", "CUDA 0", "-d", "a;b", "x".repeat(65)]) {
    throws(() => parseDeviceGroup(text), RangeError, text);
  }
});

const wishes: ServerWishes = {
  program: "/bin/rpc",
  bind: { host: "0.0.0.0", advertised: "10.0.0.1", warning: undefined },
  firstPort: 50_052,
  deviceGroups: [["CUDA0"], ["CUDA1"]],
  threadCount: undefined,
  isCaching: false,
  env: {},
};

Deno.test("planServers() numbers the ports", () => {
  deepEqual(
    planServers(wishes).map(({ host, advertised, port, devices }) => [host, advertised, port, devices]),
    [
      ["0.0.0.0", "10.0.0.1", 50_052, ["CUDA0"]],
      ["0.0.0.0", "10.0.0.1", 50_053, ["CUDA1"]],
    ],
  );
});

Deno.test("planServers() refuses a device in two servers, and ports that do not exist", () => {
  throws(
    () => planServers({ ...wishes, deviceGroups: [["CUDA0"], ["CUDA1", "CUDA0"]] }),
    /CUDA0 is given twice/,
  );
  throws(() => planServers({ ...wishes, firstPort: 65_535 }), /lower --port/);
});
