import { deepEqual } from "node:assert/strict";
import { configPlaces } from "../../../lib/config/paths.ts";

for (
  const { name, env, named, want } of [
    {
      name: "only where the flag says",
      env: { SOLLOL_CONFIG: "/e", HOME: "/h" },
      named: "/f",
      want: ["/f!"],
    },
    { name: "else only where the variable says", env: { SOLLOL_CONFIG: "/e", HOME: "/h" }, want: ["/e!"] },
    {
      name: "else in the usual places",
      env: { XDG_CONFIG_HOME: "/x", HOME: "/h" },
      want: ["/x/sollol/config.yaml", "/h/.config/sollol/config.yaml", "/etc/sollol/config.yaml"],
    },
    { name: "in /etc for a service without a home", env: {}, want: ["/etc/sollol/config.yaml"] },
    {
      name: "in each place once",
      env: { XDG_CONFIG_HOME: "/h/.config", HOME: "/h" },
      want: ["/h/.config/sollol/config.yaml", "/etc/sollol/config.yaml"],
    },
  ]
) {
  Deno.test(`configPlaces() looks ${name}`, () => {
    const places = configPlaces(env, named);
    deepEqual(places.map(({ path, isRequired }) => `${path}${isRequired ? "!" : ""}`), want);
  });
}
