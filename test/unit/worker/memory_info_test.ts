import { deepEqual, equal, throws } from "node:assert/strict";
import {
  memoryCgroups,
  parseMeminfo,
  parseMemoryLimit,
  withinLimits,
} from "../../../lib/worker/memory_info.ts";

const KIB = 1024;

Deno.test("parseMeminfo() takes what can be had, not what nobody has touched", () => {
  const text =
    "MemTotal:       24683656 kB\nMemFree:        2412130 kB\nMemAvailable:   23926646 kB\nBuffers: 1 kB\n";
  deepEqual(parseMeminfo(text), { totalBytes: 24_683_656 * KIB, availableBytes: 23_926_646 * KIB });
});

Deno.test("parseMeminfo() makes do with what is free on an old kernel", () => {
  equal(parseMeminfo("MemTotal: 100 kB\nMemFree: 40 kB\n").availableBytes, 40 * KIB);
});

Deno.test("parseMeminfo() refuses what is no memory table", () => {
  for (const text of ["", "MemTotal: 100 kB\n", "MemFree: 1 kB\n", "MemTotal: lots kB\nMemFree: 1 kB\n"]) {
    throws(() => parseMeminfo(text), RangeError);
  }
});

Deno.test("memoryCgroups() finds the group of version 2 and all above it", () => {
  deepEqual(memoryCgroups("0::/system.slice/sollol.service\n"), [
    { version: 2, directory: "/sys/fs/cgroup/system.slice/sollol.service" },
    { version: 2, directory: "/sys/fs/cgroup/system.slice" },
    { version: 2, directory: "/sys/fs/cgroup" },
  ]);
});

Deno.test("memoryCgroups() finds the memory group of version 1 among the others", () => {
  deepEqual(memoryCgroups("9:name=systemd:/\n6:cpu,cpuacct:/a\n4:memory:/docker/1a\n"), [
    { version: 1, directory: "/sys/fs/cgroup/memory/docker/1a" },
    { version: 1, directory: "/sys/fs/cgroup/memory/docker" },
    { version: 1, directory: "/sys/fs/cgroup/memory" },
  ]);
});

Deno.test("memoryCgroups() does not leave the tree, and survives what is no table", () => {
  deepEqual(memoryCgroups("0::/../../etc\n").map(({ directory }) => directory), [
    "/sys/fs/cgroup/etc",
    "/sys/fs/cgroup",
  ]);
  deepEqual(memoryCgroups("garbage\n\n:::\n"), []);
});

Deno.test("parseMemoryLimit() does not count files that are cached", () => {
  const files = { limit: "8000\n", usage: "5000\n", stat: "anon 1\ninactive_file 1000\n" };
  deepEqual(parseMemoryLimit(files), { limitBytes: 8_000, usedBytes: 4_000 });
});

Deno.test("parseMemoryLimit() counts the groups below in version 1", () => {
  const files = { limit: "8000\n", usage: "5000\n", stat: "inactive_file 10\ntotal_inactive_file 1000\n" };
  equal(parseMemoryLimit(files)!.usedBytes, 4_000);
});

Deno.test("parseMemoryLimit() knows no limit where none is set", () => {
  equal(parseMemoryLimit({ limit: "max\n", usage: "5000\n", stat: "" }), undefined);
  equal(parseMemoryLimit({ limit: undefined, usage: undefined, stat: undefined }), undefined);
});

Deno.test("withinLimits() takes the least that any limit leaves", () => {
  const memory = { totalBytes: 10_000, availableBytes: 9_000 };
  const limits = [{ limitBytes: 8_000, usedBytes: 1_000 }, { limitBytes: 9_500, usedBytes: 9_000 }];
  deepEqual(withinLimits(memory, limits), { totalBytes: 8_000, availableBytes: 500 });
});

Deno.test("withinLimits() is not misled by version 1's number for no limit, nor by use above the limit", () => {
  const memory = { totalBytes: 10_000, availableBytes: 9_000 };
  const none = parseMemoryLimit({ limit: "9223372036854771712\n", usage: "99999\n", stat: undefined })!;
  deepEqual(withinLimits(memory, [none]), memory);
  equal(withinLimits(memory, [{ limitBytes: 10, usedBytes: 20 }]).availableBytes, 0);
});
