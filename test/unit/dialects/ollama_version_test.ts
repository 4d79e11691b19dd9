import { equal } from "node:assert/strict";
import { newestVersion } from "../../../lib/dialects/ollama_version.ts";

const SPOKEN_VERSION = "0.33.0";

for (
  const { name, versions, want } of [
    { name: "of none is the one that we speak", versions: [], want: SPOKEN_VERSION },
    { name: "of one is that", versions: ["0.17.4"], want: "0.17.4" },
    { name: "is compared by numbers", versions: ["0.9.0", "0.17.4", "0.10.1"], want: "0.17.4" },
    {
      name: "of a release goes before its previews",
      versions: ["0.33.0-rc2", "0.33.0", "0.33.0-rc3"],
      want: "0.33.0",
    },
    { name: "may be a preview", versions: ["0.32.9", "0.33.0-rc2"], want: "0.33.0-rc2" },
    { name: "is none that clients take for the oldest", versions: ["0.0.0"], want: SPOKEN_VERSION },
    {
      name: "is none that is no version",
      versions: ["", "latest", "1.2", "0.1.2; rm"],
      want: SPOKEN_VERSION,
    },
  ]
) {
  Deno.test(`the newest version ${name}`, () => equal(newestVersion(versions), want));
}
