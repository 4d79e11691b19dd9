import { deepEqual, ok, throws } from "node:assert/strict";
import { coordinatorUnit } from "../../../systemd/coordinator_unit.ts";
import { gatewayUnits } from "../../../systemd/gateway_units.ts";
import { rpcServerTemplate, rpcServerUnit } from "../../../systemd/rpc_server_unit.ts";
import type { UnitFile } from "../../../systemd/unit_file.ts";
import { workerUnit } from "../../../systemd/worker_unit.ts";

const COMMON = { manager: "system", version: "1.2.3", gpu: "nvidia" } as const;
const RPC = { ...COMMON, program: "/opt/rpc", host: "127.0.0.1", isCaching: true } as const;

const KINDS: readonly { kind: string; names: readonly string[]; render: (stem: string) => UnitFile[] }[] = [
  {
    kind: "rpc server",
    names: ["two.service"],
    render: (stem) => [rpcServerUnit({ ...RPC, stem, port: 50052 })],
  },
  {
    kind: "template of rpc servers",
    names: ["two@.service"],
    render: (stem) => [rpcServerTemplate({ ...RPC, stem })],
  },
  {
    kind: "gateway",
    names: ["two.service", "two.socket"],
    render: (stem) =>
      gatewayUnits({ ...COMMON, stem, command: ["/opt/gateway"], drainMs: 0, socket: "127.0.0.1:80" }),
  },
  {
    kind: "worker",
    names: ["two.service"],
    render: (stem) => [
      workerUnit({
        ...COMMON,
        stem,
        command: ["/opt/worker"],
        gateway: "http://10.0.0.2",
        allow: ["10.0.0.2"],
      }),
    ],
  },
  {
    kind: "coordinator",
    names: ["two.service"],
    render: (stem) => [
      coordinatorUnit({
        ...COMMON,
        stem,
        program: "/opt/server",
        modelPath: "/srv/m.gguf",
        host: "127.0.0.1",
        port: 80,
        rpc: ["10.0.0.3"],
      }),
    ],
  },
];

for (const { kind, names, render } of KINDS) {
  Deno.test(`units of a ${kind} share neither name nor directory with those of another stem`, () => {
    const units = render("two");
    deepEqual(units.map(({ name }) => name), names);
    for (const { text } of units) {
      ok(text.includes("two"));
      const lines = text.split("\n").filter((line) => !/^(Description=|# sollol-seal)/.test(line));
      const ours = lines.filter((line) =>
        line.replace("made by sollol", "").replace("which sollol", "").includes("sollol")
      );
      deepEqual(ours, []);
    }
  });

  Deno.test(`units of a ${kind} refuse a stem that could be more than a name`, () => {
    for (const stem of ["", "../x", "a b", "a%i", "a\nUser=root"]) {
      throws(() => render(stem), { name: "RangeError", message: /cannot name a unit/ });
    }
  });
}
