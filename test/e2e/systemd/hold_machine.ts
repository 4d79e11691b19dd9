/** Boots a machine, says where its cgroup is, and holds it until it is killed. */
import { BootedSystemd } from "./booted_systemd.ts";

const machine = await BootedSystemd.boot();
await Deno.stdout.write(new TextEncoder().encode(`holding ${machine.cgroup}\n`));
setInterval(() => {}, 1_000_000);
