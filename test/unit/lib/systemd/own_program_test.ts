import { equal, rejects } from "node:assert/strict";
import { findOwnProgram } from "../../../../lib/systemd/own_program.ts";
import { FakeUnitHost } from "../../../fakes/fake_unit_host.ts";

const program = (path: string, mode = 0o755) => new FakeUnitHost().add(path, "", { mode });
const standalone = { isStandalone: true, executable: "/usr/local/bin/sollol", env: {} };
const fromSource = { isStandalone: false, executable: "/usr/bin/deno", env: {} };
const portable = { ...fromSource, env: { SOLLOL_PROGRAM: "/opt/my sollol" } };
const question = { named: undefined, manager: "system" as const };

Deno.test("findOwnProgram() finds a compiled file, a portable one, and one that is named", async () => {
  const host = program("/usr/local/bin/sollol").add("/opt/my sollol", "", { mode: 0o755 });
  equal(await findOwnProgram(host, standalone, question), "/usr/local/bin/sollol");
  equal(await findOwnProgram(host, portable, question), "/opt/my sollol");
  equal(await findOwnProgram(host, fromSource, { ...question, named: "/opt/my sollol" }), "/opt/my sollol");
});

Deno.test("findOwnProgram() tells whoever runs the source to build one file", async () => {
  await rejects(findOwnProgram(new FakeUnitHost(), fromSource, question), {
    code: "invalid_request",
    message: /deno task portable.*--program PATH/,
  });
});

Deno.test("findOwnProgram() gives the command that puts a program where services find it", async () => {
  const host = program("/root/it's sollol");
  await rejects(findOwnProgram(host, fromSource, { ...question, named: "/root/it's sollol" }), {
    message: /sudo install -m 755 '\/root\/it'\\''s sollol' \/usr\/local\/bin\/sollol/,
  });
});
