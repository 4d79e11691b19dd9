import { deepEqual, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { openNotifySocket } from "../../../lib/service/notify_socket.ts";
import { NotifyReceiver } from "../../fixtures/notify_receiver.ts";

/** What the program has at most where it is packaged; `--allow-all` skips checks that these do not. */
const PACKAGED: Deno.PermissionOptionsObject = {
  net: true,
  read: true,
  write: true,
  env: true,
  run: true,
  sys: true,
};

const onLinux = Deno.build.os === "linux";

for (
  const { name, isAbstract } of [{ name: "a path", isAbstract: false }, { name: "no file", isAbstract: true }]
) {
  Deno.test({
    name: `a notify socket at ${name} gets each datagram as it is, in order, and nothing is left`,
    ignore: !onLinux,
    permissions: PACKAGED,
    async fn() {
      await using receiver = await NotifyReceiver.create({ isAbstract });
      {
        using socket = openNotifySocket(receiver.name);
        await socket.send("READY=1\nSTATUS=serves");
        await socket.send("WATCHDOG=1");
        await receiver.untilTold("WATCHDOG=1");
      }
      deepEqual(receiver.told, ["READY=1\nSTATUS=serves", "WATCHDOG=1"]);
      const left = [...Deno.readDirSync(receiver.directory)].map(({ name }) => name);
      deepEqual(left, isAbstract ? [] : ["notify"]);
    },
  });
}

Deno.test("a notify socket that nobody holds refuses what is sent, and goes on once somebody does", async () => {
  await using receiver = await NotifyReceiver.create();
  const path = join(receiver.directory, "notify");
  using socket = openNotifySocket(path);
  await Deno.rename(path, `${path}~`);
  await rejects(socket.send("READY=1"), Deno.errors.NotFound);
  await Deno.rename(`${path}~`, path);
  await socket.send("WATCHDOG=1");
  await receiver.untilTold("WATCHDOG=1");
});

for (const name of ["notify", "./notify", "@", "vsock:2:1234"]) {
  Deno.test(`a notify socket "${name}" is refused: it is neither a path nor a name`, () => {
    throws(() => openNotifySocket(name), { name: "GatewayError", message: /neither a path nor a name/ });
  });
}
