import { deepEqual, throws } from "node:assert/strict";
import { credentialLines } from "../../../systemd/credential.ts";

Deno.test("credentialLines() writes each path as it is, without quotes", () => {
  deepEqual(
    credentialLines([
      { name: "ann", path: "/etc/sollol/keys/ann" },
      { name: "a.b_c-1", path: "/etc/my keys/100%:$x" },
    ]),
    ["LoadCredential=ann:/etc/sollol/keys/ann", "LoadCredential=a.b_c-1:/etc/my keys/100%%:$x"],
  );
});

for (
  const { name, credential } of [
    { name: "an empty name", credential: { name: "", path: "/x" } },
    { name: "a name with a slash", credential: { name: "a/b", path: "/x" } },
    { name: "a name with a colon", credential: { name: "a:b", path: "/x" } },
    { name: "a hidden name", credential: { name: "..", path: "/x" } },
    { name: "a specifier", credential: { name: "%i", path: "/x" } },
    { name: "a relative path", credential: { name: "a", path: "keys/a" } },
    { name: "a path with a line break", credential: { name: "a", path: "/x\nUser=root" } },
    { name: "a path that ends with a space", credential: { name: "a", path: "/x " } },
    { name: "a path that ends with a backslash", credential: { name: "a", path: "/x\\" } },
  ]
) {
  Deno.test(`credentialLines() refuses ${name}`, () =>
    throws(() => credentialLines([credential]), RangeError));
}
