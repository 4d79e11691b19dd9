import { fail, type Finding, ok, skip, warn } from "./finding.ts";
import type { Machine } from "./machine.ts";

/** Where sollol runs its own children, and what it was tried on. */
export async function examineKernel(machine: Pick<Machine, "os" | "arch" | "readText">): Promise<Finding> {
  const { os, arch } = machine;
  if (os !== "linux") {
    return skip(
      `${os} on ${arch}: of the machine only Linux is looked at; the gateway itself runs here, too`,
    );
  }
  const release = (await machine.readText("/proc/sys/kernel/osrelease"))?.trim();
  const cpuinfo = await machine.readText("/proc/cpuinfo") ?? "";
  const cpuCount = cpuinfo.match(/^processor\s*:/gm)?.length;
  if (release === undefined) {
    return fail(
      "the kernel does not show /proc",
      "mount it: sollol looks there for ports, memory and processes",
    );
  }
  const figures = { os, arch, kernel: release, cpuCount };
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  if (major < 4 || (major === 4 && minor < 11)) {
    return warn(
      `Linux ${release} is older than 4.11`,
      "upgrade it: systemd cannot filter addresses on it",
      figures,
    );
  }
  const cpus = cpuCount === undefined ? "" : `, ${cpuCount} ${cpuCount === 1 ? "CPU" : "CPUs"}`;
  return ok(`Linux ${release} on ${arch}${cpus}`, figures);
}
