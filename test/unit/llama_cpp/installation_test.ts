import { equal } from "node:assert/strict";
import { defaultPrefix } from "../../../lib/llama_cpp/installation.ts";

for (
  const { name, env, want } of [
    {
      name: "the service's state directory before the user's",
      env: { STATE_DIRECTORY: "/var/lib/sollol", XDG_DATA_HOME: "/x", HOME: "/home/ann" },
      want: "/var/lib/sollol/llama.cpp",
    },
    {
      name: "the first of several state directories",
      env: { STATE_DIRECTORY: "/var/lib/sollol:/var/lib/other" },
      want: "/var/lib/sollol/llama.cpp",
    },
    {
      name: "the user's data directory",
      env: { XDG_DATA_HOME: "/x", HOME: "/home/ann" },
      want: "/x/sollol/llama.cpp",
    },
    {
      name: "the home when the data directory is relative",
      env: { XDG_DATA_HOME: "x", HOME: "/home/ann" },
      want: "/home/ann/.local/share/sollol/llama.cpp",
    },
    { name: "the system's place for a service without a home", env: {}, want: "/var/lib/sollol/llama.cpp" },
  ]
) {
  Deno.test(`defaultPrefix() is ${name}`, () => equal(defaultPrefix(env), want));
}
