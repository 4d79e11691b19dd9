import type { Config } from "../config/config.ts";
import type { Check } from "./check.ts";
import { examineModelRoot } from "./check_model_root.ts";
import { judgeModels } from "./check_models.ts";
import { examineStoreOfService } from "./check_service_store.ts";
import { isGatewayService } from "./check_units.ts";
import type { DoctorWorld } from "./doctor_world.ts";
import type { Facts } from "./facts.ts";
import { skip, warn } from "./finding.ts";
import { lateChecks } from "./late_checks.ts";

const group = "models";

/** Whether models can be read where they are, by us and by the service, and are whole. */
export async function modelChecks(
  config: Config,
  world: DoctorWorld,
  facts: Facts,
): Promise<readonly Check[]> {
  return await lateChecks({ name: "model-root", group, find: () => findChecks(config, world, facts) }, world);
}

async function findChecks(
  { models, modelShardingEnabled }: Config,
  { machine, unitHost }: DoctorWorld,
  facts: Facts,
): Promise<readonly Check[]> {
  const found = models.length > 0 ? { roots: [], unreadable: [] } : await facts.modelRoots();
  const paths = models.length > 0 ? models : found.roots.map(({ path }) => path);
  const closed = found.unreadable.map(({ path, because }): Check => ({
    name: "model-root",
    group,
    subject: path,
    examine: () =>
      Promise.resolve(warn(because, "sudo usermod -aG ollama $USER, or name another place by models")),
  }));
  if (paths.length === 0) return closed.length === 0 ? [NO_ROOT] : closed;
  return [
    ...paths.map((path): Check => ({
      name: "model-root",
      group,
      subject: path,
      examine: () => examineModelRoot(machine, path),
    })),
    ...closed,
    { name: "models", group, examine: async () => judgeModels(await facts.models(), modelShardingEnabled) },
    ...(await facts.units()).filter(isGatewayService).map((gateway): Check => ({
      name: "service-store",
      group,
      subject: gateway.report.unit,
      examine: (signal) => examineStoreOfService(unitHost, { paths, gateway, signal }),
    })),
  ];
}

const NO_ROOT: Check = {
  name: "model-root",
  group,
  examine: () =>
    Promise.resolve(skip("there is no Ollama store on this host; name other places by models (--models)")),
};
