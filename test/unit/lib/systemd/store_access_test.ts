import { deepEqual, match } from "node:assert/strict";
import { findStoreAccess } from "../../../../lib/systemd/store_access.ts";
import { FakeUnitHost } from "../../../fakes/fake_unit_host.ts";

const { signal } = new AbortController();

const STORE = "/usr/share/ollama/.ollama/models";

Deno.test("findStoreAccess() asks nothing for a store that all may read", async () => {
  const host = new FakeUnitHost().addDirectory(STORE);
  const access = await findStoreAccess(host, [STORE], { manager: "system", signal });
  deepEqual(access, { paths: [], groups: [], warnings: [] });
});

Deno.test("findStoreAccess() names the directory that closes a store, and the group that may read it", async () => {
  const host = new FakeUnitHost().addDirectory("/usr/share/ollama", 0o750).addDirectory(STORE, 0o750);
  const { paths, warnings } = await findStoreAccess(host, [STORE], { manager: "system", signal });
  deepEqual(paths, [{ path: STORE, closedBy: "/usr/share/ollama" }]);
  match(warnings[0] ?? "", /chmod -R o\+rX/); // the group is root's
  const group = new FakeUnitHost();
  group.groups.set("ollama", 0o777);
  group.readInfo = (path) =>
    Promise.resolve(
      path === STORE
        ? { type: "directory", mode: 0o750, userId: 1, groupId: 0o777, changedAtMs: 0 }
        : { type: "directory", mode: 0o755, userId: 0, groupId: 0, changedAtMs: 0 },
    );
  deepEqual(await findStoreAccess(group, [STORE], { manager: "system", signal }), {
    paths: [],
    groups: ["ollama"],
    warnings: [],
  });
});

Deno.test("findStoreAccess() asks for what lies in homes, and nothing for a user's own systemd", async () => {
  const host = new FakeUnitHost().addDirectory("/home/ann/models");
  const roots = ["/home/ann/models", "/home/bob/later"];
  deepEqual(
    (await findStoreAccess(host, roots, { manager: "system", signal })).paths,
    roots.map((path) => ({ path })),
  );
  deepEqual((await findStoreAccess(host, roots, { manager: "user", signal })).paths, []);
});
