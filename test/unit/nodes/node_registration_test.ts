import { deepEqual, equal, match } from "node:assert/strict";
import { nodeRegistration } from "../../../lib/nodes/node_registration.ts";
import { GIB } from "../../../lib/units.ts";

const read = (said: unknown) => nodeRegistration.safeParse(said);

Deno.test("nodeRegistration holds only what was said", () => {
  deepEqual(read({ url: "shelf" }).success && read({ url: "shelf" }), {
    success: true,
    data: { url: "http://shelf:11434" },
  });
});

Deno.test("nodeRegistration reads all that can be said", () => {
  const said = {
    url: "shelf",
    name: "gpu-1",
    slots: 2,
    weight: 0.5,
    tags: ["big"],
    models: ["llama*"],
    memory: "24GiB",
  };
  const result = read(said);
  deepEqual(result.success && result.data, {
    url: "http://shelf:11434",
    name: "gpu-1",
    slotCount: 2,
    weight: 0.5,
    tags: ["big"],
    models: ["llama*"],
    memoryBytes: 24 * GIB,
  });
});

for (
  const { name, said, path, want } of [
    { name: "nothing", said: {}, path: "url", want: /./ },
    { name: "no object", said: [], path: "", want: /./ },
    { name: "null", said: null, path: "", want: /./ },
    {
      name: "a metadata service",
      said: { url: "169.254.169.254" },
      path: "url",
      want: /hands out its secrets/,
    },
    { name: "a password", said: { url: "http://a:b@c" }, path: "url", want: /holds credentials/ },
    { name: "an empty name", said: { url: "a", name: "" }, path: "name", want: /must be letters/ },
    { name: "a name with a slash", said: { url: "a", name: "a/b" }, path: "name", want: /must be letters/ },
    {
      name: "a name that steers",
      said: { url: "a", name: "a\u001b[2J" },
      path: "name",
      want: /must be letters/,
    },
    { name: "a long name", said: { url: "a", name: "a".repeat(64) }, path: "name", want: /63 at most/ },
    {
      name: "a name with a meaning",
      said: { url: "a", name: "Node" },
      path: "name",
      want: /understands otherwise/,
    },
    { name: "no slots", said: { url: "a", slots: 0 }, path: "slots", want: /./ },
    { name: "half a slot", said: { url: "a", slots: 1.5 }, path: "slots", want: /./ },
    { name: "an endless weight", said: { url: "a", weight: Infinity }, path: "weight", want: /./ },
    { name: "an empty tag", said: { url: "a", tags: [" "] }, path: "tags.0", want: /must not be empty/ },
    { name: "many tags", said: { url: "a", tags: Array(65).fill("t") }, path: "tags", want: /./ },
    {
      name: "a memory without unit",
      said: { url: "a", memory: "24" },
      path: "memory",
      want: /less than a MiB/,
    },
    { name: "a key", said: { url: "a", api_key: "k" }, path: "", want: /api_key/ },
    { name: "a field of nobody", said: { url: "a", slot: 1 }, path: "", want: /slot/ },
  ]
) {
  Deno.test(`nodeRegistration refuses ${name}`, () => {
    const result = read(said);
    equal(result.success, false);
    if (result.success) return;
    const [issue] = result.error.issues;
    equal(issue!.path.join("."), path);
    match(issue!.message, want);
  });
}
