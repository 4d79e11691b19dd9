import { join } from "node:path";
import type { Systemctl } from "./systemctl.ts";
import type { UnitHost } from "./unit_host.ts";
import type { UnitPlace } from "./unit_place.ts";

/**
 * Instances of a template that start with the machine, or run now: `sollol-rpc@50052.service`.
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
  return [...new Set(names.filter(isInstance))].sort();
}
