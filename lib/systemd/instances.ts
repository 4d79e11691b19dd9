import { join } from "node:path";
import type { Systemctl } from "./systemctl.ts";
import type { UnitHost } from "./unit_host.ts";
import type { UnitPlace } from "./unit_place.ts";
import { originOf } from "./unit_record.ts";

/**
 * Instances of a template of ours that start with the machine, or run now: `sollol-rpc@50052.service`. Where the template
 * is gone, as an uninstallation that was cut off leaves it, those that no other file brings.
 *
 * @param systemctl Asked for those that run; `undefined` where no systemd does.
 */
export async function findInstances(
  stem: string,
  { host, place, systemctl }: { host: UnitHost; place: UnitPlace; systemctl: Systemctl | undefined },
): Promise<string[]> {
  const names: string[] = [];
  for (const directory of await host.readNames(place.directory)) {
    if (directory.endsWith(".wants")) names.push(...await host.readNames(join(place.directory, directory)));
  }
  names.push(...await systemctl?.listLoaded(`${stem}@*.service`) ?? []);
  const isInstance = (name: string) => name.startsWith(`${stem}@`) && /@.+\.service$/.test(name);
  const instances = [...new Set(names.filter(isInstance))].sort();
  const template = await host.readText(join(place.directory, `${stem}@.service`));
  if (template !== undefined) return originOf(template) === "foreign" ? [] : instances;
  const orphans: string[] = [];
  for (const name of instances) {
    if (systemctl && (await systemctl.readState(name)).path === undefined) orphans.push(name);
  }
  return orphans;
}
