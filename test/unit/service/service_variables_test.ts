import { deepEqual } from "node:assert/strict";
import { withoutServiceVariables } from "../../../lib/service/service_variables.ts";

Deno.test("children are given all variables but those that the service manager meant for us alone", () => {
  const env = {
    PATH: "/usr/bin",
    NOTIFY_SOCKET: "/run/systemd/notify",
    WATCHDOG_USEC: "30000000",
    WATCHDOG_PID: "7",
    CREDENTIALS_DIRECTORY: "/run/credentials/sollol.service",
    STATE_DIRECTORY: "/var/lib/sollol",
  };
  deepEqual(withoutServiceVariables(env), { PATH: "/usr/bin", STATE_DIRECTORY: "/var/lib/sollol" });
});
