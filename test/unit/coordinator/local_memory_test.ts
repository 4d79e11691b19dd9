import { equal } from "node:assert/strict";
import { parseHeldMemory } from "../../../lib/coordinator/local_memory.ts";

for (
  const { name, fields, want } of [
    {
      name: "leaves out weights that are mapped from their file",
      fields: { VmLck: 0, RssAnon: 72_716, RssFile: 19_368, RssShmem: 4 },
      want: 72_720,
    },
    {
      name: "counts mapped weights that are locked",
      fields: { VmLck: 16_000, RssAnon: 100, RssFile: 19_368, RssShmem: 0 },
      want: 16_100,
    },
    {
      name: "counts locked memory of its own once",
      fields: { VmLck: 16_000, RssAnon: 16_100, RssFile: 200, RssShmem: 0 },
      want: 16_300,
    },
    { name: "is 0 for a kernel thread, or what is no status", fields: {}, want: 0 },
  ]
) {
  Deno.test(`parseHeldMemory() ${name}`, () => {
    const lines = Object.entries(fields).map(([field, kib]) => `${field}:\t${String(kib).padStart(8)} kB\n`);
    equal(
      parseHeldMemory(`Name:\tllama-server\nVmSize:\t  9999999 kB\n${lines.join("")}Threads:\t17\n`),
      want * 1024,
    );
  });
}

for (const text of ["", "RssAnon: many kB\n", "RssAnon:\t 12 MB\n", "xRssAnon:\t 12 kB\n"]) {
  Deno.test(`parseHeldMemory() takes nothing from ${JSON.stringify(text)}`, () =>
    equal(parseHeldMemory(text), 0));
}
