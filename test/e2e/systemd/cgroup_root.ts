/**
 * Where the host has its unified control groups: `/sys/fs/cgroup`, or a directory in it where the old ones are in use, too.
 *
 * @throws {Error} If it has none.
 */
export async function cgroupRoot(): Promise<string> {
  const mounts = (await Deno.readTextFile("/proc/self/mounts")).split("\n").map((line) => line.split(" "));
  const root = mounts.find(([, , type]) => type === "cgroup2")?.[1];
  if (root === undefined) throw new Error("no cgroup2 is mounted");
  return root;
}
