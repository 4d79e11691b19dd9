import { equal } from "node:assert/strict";
import { createRoot } from "../../../lib/cli/root.ts";
import { manPage } from "../../../lib/cli/man_page.ts";
import { findOnPath } from "../../../lib/process/executable.ts";

const groff = await findOnPath("groff", Deno.env.get("PATH"));
const why = groff === undefined ? " (skipped: there is no groff here)" : "";

Deno.test(
  { name: `groff finds nothing to warn of in the manual page${why}`, ignore: groff === undefined },
  async () => {
    const process = new Deno.Command(groff!, { args: ["-man", "-ww", "-z"], stdin: "piped", stderr: "piped" })
      .spawn();
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(manPage(createRoot())));
    await writer.close();
    const { success, stderr } = await process.output();
    equal(new TextDecoder().decode(stderr), "");
    equal(success, true);
  },
);
