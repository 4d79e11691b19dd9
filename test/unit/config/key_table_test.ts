import { deepEqual } from "node:assert/strict";
import { diffConfig } from "../../../lib/config/diff.ts";
import { keepUntilRestart, KEY_TABLE } from "../../../lib/config/key_table.ts";
import { configKeys } from "../../../lib/config/keys.ts";
import { configOf, configWithOther, OTHER_VALUES } from "../../fixtures/config_changes.ts";

const paths = configKeys().map(({ path }) => path);

Deno.test("the table of keys has every key of the tree, in its order, and no other", () => {
  deepEqual(Object.keys(KEY_TABLE), paths);
  deepEqual(Object.keys(OTHER_VALUES), paths, "the fixture of this test, too");
});

Deno.test("what needs a restart stays as it runs, and everything else is taken", () => {
  for (const key of paths) {
    const [running, next] = [configOf(), configWithOther(key)];
    const kept = keepUntilRestart(running, next);
    const isKept = KEY_TABLE[key]!.effect === "restart";
    deepEqual(diffConfig(isKept ? running : next, kept), [], key);
  }
});
