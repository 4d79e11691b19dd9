import { messageOf } from "../../../lib/errors.ts";
import { run } from "../../../lib/process/run.ts";
import { cgroupRoot } from "./cgroup_root.ts";

/** Does what a boot needs, on the smallest scale, in namespaces that end with it. Its argument is where cgroups are. */
const TRIAL = `set -e
for program in curl ip nsenter pgrep pivot_root ps setpriv su systemctl useradd; do
	command -v "$program" >/dev/null || { echo "there is no $program" >&2; exit 1; }
done
test -x /lib/systemd/systemd || { echo "no /lib/systemd/systemd" >&2; exit 1; }
mkdir "$1/sollol-trial-$$" && rmdir "$1/sollol-trial-$$"
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
mount -t proc proc /mnt/root/proc
mount -t sysfs -o ro sysfs /mnt/root/sys
mount -t cgroup2 cgroup2 /mnt/root/sys/fs/cgroup
ip link add cable0 type veth peer name cable1`;

const NAMESPACES = ["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork"];

/** Why no systemd can be booted here, in words to follow "skipped: "; `undefined` if one can be. */
export async function systemdObstacle(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "systemd is Linux's";
  if (Deno.uid() !== 0) return "only root boots a systemd";
  try {
    const args = [...NAMESPACES, "--propagation", "private", "sh", "-c", TRIAL, "sh", await cgroupRoot()];
    const { code, stderr } = await run("unshare", args, { timeoutMs: 10_000 });
    return code === 0 ? undefined : `no systemd can be booted here: ${stderr.trim().split("\n").at(-1)}`;
  } catch (error) {
    return `no systemd can be booted here: ${messageOf(error)}`;
  }
}
