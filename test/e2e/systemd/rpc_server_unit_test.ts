import { equal, notEqual, ok } from "node:assert/strict";
import { probe } from "../../../lib/rpc/probe.ts";
import {
  rpcServerTemplate,
  type RpcServerTemplateOptions,
  rpcServerUnit,
} from "../../../systemd/rpc_server_unit.ts";
import { instanceName } from "../../../systemd/unit_name.ts";
import { eventually } from "../eventually.ts";
import type { BootedSystemd } from "./booted_systemd.ts";
import { RPC_SERVER } from "./sollol_machine.ts";
import { withMachine } from "./with_machine.ts";

const test = await withMachine();

const UNIT = "sollol-rpc.service";
const PORT = 50_052;

test("units of rpc servers", async (machine, step) => {
  await machine.addUnits([
    rpcServerUnit({ ...optionsFor(machine), port: PORT, isCaching: true }),
    rpcServerTemplate(optionsFor(machine)),
  ]);

  await step("one that was started answers a probe, and its user is not root", async () => {
    await machine.succeed(["systemctl", "start", UNIT]);
    await untilUp(machine, PORT);
    const pid = await machine.property(UNIT, "MainPID");
    equal(await machine.property(UNIT, "DynamicUser"), "yes");
    notEqual((await machine.succeed(["stat", "--format=%u", `/proc/${pid}`])).trim(), "0");
  });

  await step("one that was killed comes back", async () => {
    const pid = await machine.property(UNIT, "MainPID");
    equal(await machine.property(UNIT, "NRestarts"), "0");
    await machine.succeed(["systemctl", "kill", "--signal=KILL", UNIT]);
    await eventually("a restart", async () => await machine.property(UNIT, "NRestarts") === "1");
    await untilUp(machine, PORT);
    notEqual(await machine.property(UNIT, "MainPID"), pid);
  });

  await step("nobody reaches it who is not in its list", async () => {
    equal(await connects(machine, PORT), false, "a program on its own host was not listed");
    const allow = [machine.outerAddress, machine.address];
    await machine.addUnits([rpcServerUnit({ ...optionsFor(machine), port: PORT, allow })]);
    await machine.succeed(["systemctl", "restart", UNIT]);
    await untilUp(machine, PORT);
    equal(await connects(machine, PORT), true, "now it is listed");
  });

  await step("several of one template live and die each for itself", async () => {
    const [first, second] = [PORT + 1, PORT + 2].map((port) => ({
      port,
      unit: instanceName("sollol-rpc@.service", String(port)),
    })) as [Instance, Instance];
    await machine.succeed(["systemctl", "start", first.unit, second.unit]);
    await Promise.all([first, second].map(({ port }) => untilUp(machine, port)));
    const pid = await machine.property(second.unit, "MainPID");
    await machine.succeed(["systemctl", "kill", "--signal=KILL", first.unit]);
    await eventually("it is gone", async () => await machine.property(first.unit, "MainPID") === "0");
    await untilUp(machine, second.port);
    equal(await machine.property(second.unit, "MainPID"), pid);
  });

  await step("a stop is in order and at once, and nothing comes back", async () => {
    await machine.succeed(["systemctl", "stop", UNIT, "sollol-rpc@*.service"]);
    equal(await machine.property(UNIT, "Result"), "success");
    equal((await machine.run(["pgrep", "--full", "ggml-rpc-server"])).stdout, "");
  });

  await step("one whose program is missing is tried again, ever more slowly, for ever", async () => {
    await machine.addUnits([rpcServerUnit({ ...optionsFor(machine), port: PORT, program: "/opt/missing" })]);
    await machine.run(["systemctl", "start", "--no-block", UNIT]);
    await eventually("it is tried again", async () => Number(await machine.property(UNIT, "NRestarts")) >= 1);
    notEqual(await machine.property(UNIT, "ActiveState"), "failed");
    await machine.succeed(["systemctl", "stop", UNIT]);
  });
});

interface Instance {
  readonly port: number;
  readonly unit: string;
}

function optionsFor({ address, outerAddress }: BootedSystemd): RpcServerTemplateOptions {
  return {
    manager: "system",
    version: "0.0.0",
    program: RPC_SERVER,
    host: address,
    threadCount: 1,
    allow: [outerAddress],
  };
}

/** By a probe of ours, from outside of the machine. */
async function untilUp({ address }: BootedSystemd, port: number): Promise<void> {
  let reason = "";
  await eventually(`a probe of port ${port}`, async () => {
    const result = await probe({ host: address, port });
    reason = result.reason;
    return result.verdict === "up";
  }).catch(({ message }) => ok(false, `${message}: ${reason}`));
}

/** Whether a program in the machine gets a connection within a second. */
async function connects(machine: BootedSystemd, port: number): Promise<boolean> {
  const open = `exec 3<>/dev/tcp/${machine.address}/${port}`;
  return (await machine.run(["timeout", "1", "bash", "-c", open])).code === 0;
}
