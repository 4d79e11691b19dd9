import { ConfigError } from "../config/config_error.ts";
import type { ConfigFromDisk } from "../config/load.ts";
import { backendChecks } from "./backend_checks.ts";
import type { Check } from "./check.ts";
import { judgeAccess } from "./check_access.ts";
import { type ConfigReading, judgeConfig } from "./check_config.ts";
import { judgeGateway } from "./check_gateway.ts";
import { examineSecretFiles, hasSecretFiles } from "./check_secret_files.ts";
import { isGatewayService } from "./check_units.ts";
import type { DoctorWorld } from "./doctor_world.ts";
import { type Facts, gatherFacts } from "./facts.ts";
import { skip } from "./finding.ts";
import { llamaCppChecks } from "./llama_cpp_checks.ts";
import { hostChecks, machineChecks } from "./machine_checks.ts";
import { modelChecks } from "./model_checks.ts";
import { nodeChecks } from "./node_checks.ts";
import { serviceChecks } from "./service_checks.ts";

/**
 * All that is to be looked at, in the order of the report. What depends on the gateway's word waits for that, some seconds
 * at most. Of a host whose configuration is wrong only that is looked at which does not depend on it.
 */
export function planChecks(
  reading: ConfigReading,
  world: DoctorWorld,
): (readonly Check[] | Promise<readonly Check[]>)[] {
  const config: Check = {
    name: "config",
    group: "configuration",
    examine: () => Promise.resolve(judgeConfig(reading)),
  };
  if (reading instanceof ConfigError) {
    const units = () => world.readUnits(world.signal);
    return [[config, REST_IS_UNKNOWN], hostChecks(world), serviceChecks(world, { units })];
  }
  const facts = gatherFacts(reading.config, world);
  return [
    [
      config,
      { name: "access", group: "configuration", examine: () => Promise.resolve(judgeAccess(reading.config)) },
      ...(hasSecretFiles(reading) ? [secretFilesCheck(reading, world)] : []),
    ],
    machineChecks(reading.config, world, facts),
    llamaCppChecks(reading.config, world, facts),
    modelChecks(reading.config, world, facts),
    backendChecks(reading.config, world, facts),
    nodeChecks(reading.config, world, facts),
    [gatewayCheck(world, facts)],
    serviceChecks(world, facts),
  ];
}

const REST_IS_UNKNOWN: Check = {
  name: "rest",
  group: "configuration",
  examine: () =>
    Promise.resolve(
      skip("models, backends, nodes and the gateway were not looked at: it says where they are"),
    ),
};

function secretFilesCheck(reading: ConfigFromDisk, { machine }: DoctorWorld): Check {
  return {
    name: "secret-files",
    group: "configuration",
    examine: () => examineSecretFiles(reading, machine),
  };
}

function gatewayCheck({ witness, version }: DoctorWorld, facts: Facts): Check {
  return {
    name: "gateway",
    group: "gateway",
    examine: async () => {
      if (!witness) {
        return skip("it cannot be said where it is: the system chooses its port; give --gateway URL");
      }
      const service = (await facts.units()).find(isGatewayService);
      return judgeGateway(await facts.testimony(), { ...witness, version, service });
    },
  };
}
