import { equal, match } from "node:assert/strict";
import { whyOutOfReach } from "../../../../lib/systemd/service_reach.ts";
import { FakeUnitHost } from "../../../fakes/fake_unit_host.ts";

const program = (path: string, mode = 0o755) => new FakeUnitHost().add(path, "", { mode });

for (
  const { name, host, path = "/usr/local/bin/sollol", manager = "system" as const, want } of [
    { name: "a program of the host", host: program("/usr/local/bin/sollol"), want: undefined },
    { name: "one that is missing", host: new FakeUnitHost(), want: /no such file/ },
    { name: "a directory", host: new FakeUnitHost().addDirectory("/usr/local/bin/sollol"), want: /no file/ },
    {
      name: "one that only root may execute",
      host: program("/usr/local/bin/sollol", 0o700),
      want: /owner and group/,
    },
    {
      name: "one that others may not read",
      host: program("/usr/local/bin/sollol", 0o711),
      want: /owner and group/,
    },
    { name: "root's home", host: program("/root/sollol"), path: "/root/sollol", want: /home of root/ },
    { name: "a home", host: program("/home/ann/sollol"), path: "/home/ann/sollol", want: /homes/ },
    { name: "/tmp", host: program("/tmp/sollol"), path: "/tmp/sollol", want: /restart of the machine/ },
    {
      name: "a link into a home",
      host: program("/root/sollol").addLink("/usr/local/bin/sollol", "/root/sollol"),
      want: /home of root/,
    },
    {
      name: "a closed directory",
      host: new FakeUnitHost().addDirectory("/srv/closed", 0o750).add("/srv/closed/sollol", "", {
        mode: 0o755,
      }),
      path: "/srv/closed/sollol",
      want: /\/srv\/closed may enter/,
    },
    {
      name: "his own home, for a user",
      host: program("/home/ann/sollol", 0o700),
      path: "/home/ann/sollol",
      manager: "user" as const,
      want: undefined,
    },
    {
      name: "/tmp, for a user",
      host: program("/tmp/sollol"),
      path: "/tmp/sollol",
      manager: "user" as const,
      want: /restart of the machine/,
    },
  ]
) {
  Deno.test(`whyOutOfReach() judges ${name}`, async () => {
    const because = await whyOutOfReach(host, { path, manager, isProgram: true });
    if (want === undefined) equal(because, undefined);
    else match(because ?? "nothing", want);
  });
}
