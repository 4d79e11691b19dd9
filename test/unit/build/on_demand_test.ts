import { equal, throws } from "node:assert/strict";
import { loadingOnDemand } from "../../build/on_demand.ts";

const HEAD =
  `import { createRequire as create } from "node:module";\nvar __require = create(import.meta.url);\n`;

Deno.test("what a package imports of the runtime is loaded when it is used", async () => {
  const source = `${HEAD}import tty from "node:tty";\nimport { join } from "node:path";\n` +
    `export const isTerminal = tty.isatty(-1), required = __require("tty") === __require("node:tty"), path = join("a");`;
  const changed = loadingOnDemand(source);
  equal(/^import .*"node:(tty|module)"/m.test(changed), false, changed);
  const { isTerminal, required, path } = await import(`data:text/javascript,${encodeURIComponent(changed)}`);
  equal(isTerminal, false);
  equal(required, true);
  equal(path, "a");
});

Deno.test("a bundle that would load it at each start is refused", () => {
  const named = `${HEAD}import { isatty } from "node:tty";\n`;
  throws(() => loadingOnDemand(named), /Cannot bundle.*import \{ isatty \} from "node:tty"/);
  throws(() => loadingOnDemand(`import { createRequire } from "node:module";\n`), /node:module/);
});
