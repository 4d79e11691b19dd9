import type { Config } from "../config/config.ts";
import { readTcpTables } from "../process/tcp_tables.ts";
import { databasePath } from "../store/database_path.ts";
import type { Check } from "./check.ts";
import { examineClock } from "./check_clock.ts";
import { examineDatabase } from "./check_database.ts";
import { examineDisk } from "./check_disk.ts";
import { examineKernel } from "./check_kernel.ts";
import { examineMemory } from "./check_memory.ts";
import { examineOpenFiles } from "./check_open_files.ts";
import { examinePort } from "./check_port.ts";
import { examineStateDirectory } from "./check_state_directory.ts";
import { isGatewayService } from "./check_units.ts";
import type { DoctorWorld } from "./doctor_world.ts";
import type { Facts } from "./facts.ts";

const group = "this machine";
/** Whoever holds the port is asked who it is, after it was asked as a gateway. */
const PORT_DEADLINE_MS = 8_000;

/** What can be said of a host without any configuration. */
export function hostChecks({ machine }: Pick<DoctorWorld, "machine">): readonly Check[] {
  return [
    { name: "kernel", group, examine: () => examineKernel(machine) },
    { name: "memory", group, examine: () => examineMemory(machine) },
    { name: "clock", group, examine: (signal) => examineClock(machine, signal) },
  ];
}

/** Whether this host has what a gateway of this configuration needs. */
export function machineChecks(config: Config, world: DoctorWorld, facts: Facts): readonly Check[] {
  const { machine, describePortHolder } = world;
  const { stateDir, coordinator, listen, limits } = config;
  return [
    ...hostChecks(world),
    {
      name: "open-files",
      group,
      examine: async () => {
        const gateway = (await facts.units()).find(isGatewayService);
        const gatewayPid = gateway?.report.state?.pid;
        return await examineOpenFiles(machine, { connectionCount: limits.connectionCount, gatewayPid });
      },
    },
    {
      name: "disk",
      group,
      examine: () =>
        examineDisk(machine, [
          { path: stateDir, what: "the state" },
          { path: coordinator.logDir, what: "logs" },
        ]),
    },
    { name: "state-directory", group, examine: (signal) => examineStateDirectory(machine, stateDir, signal) },
    { name: "database", group, examine: () => Promise.resolve(examineDatabase(databasePath(stateDir))) },
    {
      name: "port",
      group,
      deadlineMs: PORT_DEADLINE_MS,
      examine: async (signal) => {
        const said = await facts.testimony();
        const isGateway = said.kind === "told" || (said.kind === "silent" && said.isGateway);
        return await examinePort(listen, {
          isGatewayThere: isGateway && world.witness?.isNamed === false,
          tables: await readTcpTables(),
          describeHolder: () => describePortHolder(listen, signal),
        });
      },
    },
  ];
}
