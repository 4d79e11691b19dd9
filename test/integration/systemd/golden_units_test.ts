import { deepEqual } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { equalsGolden } from "../../fixtures/golden_file.ts";
import { unitForms } from "../../fixtures/unit_forms.ts";

const FORMS = unitForms({
  rpcServer: "/var/lib/sollol/llama.cpp/bin/ggml-rpc-server",
  llamaServer: "/var/lib/sollol/llama.cpp/bin/llama-server",
  sollol: ["/usr/local/bin/sollol"],
});

for (const { form, units } of FORMS) {
  for (const { name, text } of units) {
    Deno.test(`units are written as before: ${form}, ${name}`, () =>
      equalsGolden(`units/${form}/${name}`, text));
  }
}

Deno.test("no golden unit is left of a form that is gone", async () => {
  const directory = fileURLToPath(new URL("../../golden/units/", import.meta.url));
  const kept = (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
  deepEqual(kept.sort(), FORMS.map(({ form }) => form).sort());
});
