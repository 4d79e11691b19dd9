import { deepEqual, equal, match } from "node:assert/strict";
import { createRoot } from "../../../lib/cli/root.ts";
import { runCli } from "../../../lib/cli/run.ts";
import { GIB } from "../../../lib/units.ts";
import { FakeCliHost } from "../../fakes/fake_cli_host.ts";
import { backendView } from "../../fixtures/backend_views.ts";
import { AdminBed } from "../gateway/admin_bed.ts";

async function register(args: string[], env: Record<string, string> = {}) {
  const host = new FakeCliHost({ env });
  const exitCode = await runCli(createRoot(), ["register", ...args], host);
  return { exitCode, host };
}

Deno.test("sollol register tells the gateway of backends and their limits, and says how they are", async () => {
  await using bed = new AdminBed();
  const { exitCode, host } = await register([
    ...["10.0.0.1", "10.0.0.2:50053,10.0.0.1:50052", "--gateway", bed.url],
    ...["--memory", "15GiB", "--bandwidth", "110MB/s"],
  ]);
  equal(exitCode, 0, host.stderr.text);
  deepEqual([...bed.admin.backends.keys()], ["10.0.0.1:50052", "10.0.0.2:50053"]);
  for (const { limits } of bed.admin.backends.values()) {
    deepEqual(limits, { memoryLimitBytes: 15 * GIB, isExcluded: false, bytesPerSecond: 110_000_000 });
  }
  match(host.stdout.text, /^10\.0\.0\.1:50052 +up +registered$/m);
  match(host.stdout.text, /^10\.0\.0\.2:50053 is up$/m);
});

Deno.test("sollol register of one that is not up says that it stays registered, and ends with 1", async () => {
  await using bed = new AdminBed();
  bed.admin.nextView = { health: "down", reason: "Nothing listens at 10.0.0.1:50052" };
  const { exitCode, host } = await register(["10.0.0.1", "--gateway", bed.url]);
  equal(exitCode, 1);
  match(host.stdout.text, /^10\.0\.0\.1:50052 +down +registered$/m);
  match(host.stdout.text, /^Nothing listens at 10\.0\.0\.1:50052\n10\.0\.0\.1:50052 stays registered/m);
});

Deno.test("sollol register of one that the gateway itself holds is fine", async () => {
  await using bed = new AdminBed();
  bed.admin.nextView = { health: "held", holder: "coordinator of x" };
  equal((await register(["10.0.0.1", "--gateway", bed.url])).exitCode, 0);
  bed.admin.nextView = { health: "held" };
  equal((await register(["10.0.0.2", "--gateway", bed.url])).exitCode, 1, "held by a stranger");
});

Deno.test("sollol register --json prints one array", async () => {
  await using bed = new AdminBed();
  const { exitCode, host } = await register(["10.0.0.1", "--gateway", bed.url, "--json"]);
  equal(exitCode, 0);
  deepEqual(host.json(), [
    { endpoint: "10.0.0.1:50052", isRegistered: true, health: "up", reason: "10.0.0.1:50052 is up" },
  ]);
});

Deno.test("sollol register --remove makes the gateway forget, and says what it refuses", async () => {
  await using bed = new AdminBed();
  await register(["10.0.0.1", "--gateway", bed.url]);
  const { exitCode, host } = await register(["10.0.0.1", "--remove", "--gateway", bed.url]);
  deepEqual([exitCode, host.stdout.text, bed.admin.backends.size], [0, "10.0.0.1:50052 is forgotten\n", 0]);
  bed.admin.backends.set("10.0.0.2:50052", backendView("10.0.0.2:50052"));
  const refused = await register(["10.0.0.2", "--remove", "--gateway", bed.url, "--json"]);
  equal(refused.exitCode, 1);
  deepEqual(refused.host.json(), {
    error: { code: "conflict", message: "10.0.0.2:50052 stands in the config file; remove it there" },
  });
});

for (
  const { name, args, env, status } of [
    { name: "--token", args: ["--token", "k"], env: { SOLLOL_API_KEY: "wrong" }, status: 0 },
    { name: "$SOLLOL_API_KEY", args: [], env: { SOLLOL_API_KEY: "k" }, status: 0 },
    { name: "the configuration's first key", args: ["--set", "api_keys=k,other"], env: {}, status: 0 },
    {
      name: "the variable before the configuration",
      args: ["--set", "api_keys=k"],
      env: { SOLLOL_API_KEY: "x" },
      status: 1,
    },
    { name: "nothing", args: [], env: { SOLLOL_API_KEY: "" }, status: 1 },
  ] as { name: string; args: string[]; env: Record<string, string>; status: number }[]
) {
  Deno.test(`sollol register shows as its API key: ${name}`, async () => {
    await using bed = new AdminBed({ apiKeys: ["k"] });
    const { exitCode, host } = await register(["10.0.0.1", "--gateway", bed.url, ...args], env);
    equal(exitCode, status, host.stderr.text);
    if (status === 1) match(host.stderr.text, /wants an API key that it knows; give it with --token KEY/);
  });
}

for (
  const { name, args, want } of [
    { name: "nothing", args: [], want: /HOST:PORT is missing/ },
    { name: "only commas", args: [","], want: /HOST:PORT is missing/ },
    { name: "an IPv6 address", args: ["[::1]:50052"], want: /IPv4 only/ },
    { name: "port 0", args: ["a:0"], want: /no port/ },
    { name: "a size that is none", args: ["a", "--memory", "much"], want: /--memory: "much" is not a size/ },
    {
      name: "a size without its unit",
      args: ["a", "--memory", "15"],
      want: /--memory: "15" is less than a MiB/,
    },
    {
      name: "a bandwidth that is none",
      args: ["a", "--bandwidth", "fast"],
      want: /--bandwidth: "fast" is not a size/,
    },
    {
      name: "a limit beside --remove",
      args: ["a", "--remove", "--memory", "1GiB"],
      want: /--remove takes no --memory/,
    },
    {
      name: "a gateway of another scheme",
      args: ["a", "--gateway", "ftp://x"],
      want: /--gateway: "ftp:\/\/x"/,
    },
    {
      name: "a gateway with a password",
      args: ["a", "--gateway", "http://u:p@x"],
      want: /holds credentials/,
    },
    {
      name: "a key that no header can carry",
      args: ["a", "--gateway", "127.0.0.1:1", "--token", "a\nb"],
      want: /--token, or \$SOLLOL_API_KEY, must be printable/,
    },
    {
      name: "a port that nobody knows",
      args: ["a", "--set", "listen=127.0.0.1:0"],
      want: /--gateway is missing/,
    },
  ]
) {
  Deno.test(`sollol register refuses ${name} as wrong usage`, async () => {
    const { exitCode, host } = await register(args);
    equal(exitCode, 2, host.stderr.text);
    match(host.stderr.text, want);
  });
}
