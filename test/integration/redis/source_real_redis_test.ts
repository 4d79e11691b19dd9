import { deepEqual, equal, match } from "node:assert/strict";
import { RedisAddress } from "../../../lib/redis/address.ts";
import { RedisConnection } from "../../../lib/redis/connection.ts";
import { freePort } from "../../fixtures/free_port.ts";
import { findRedisServer, startRedis } from "../../fixtures/redis_server.ts";
import { RedisBed } from "./redis_bed.ts";

/** As json.dumps() of the predecessor's register_gpu_node.py wrote it. */
const REGISTRATION =
  '{"has_gpu": true, "gpu_devices": ["cuda:0"], "gpu_vram_mb": [9830], "gpu_names": ["NVIDIA GeForce RTX 3060"], ' +
  '"cpu_ram_mb": 51200, "device_config": "cpu,cuda:0", "memory_config": "51200,9830", "total_parallel_workers": 2}';
const REGISTERED = {
  gpuNames: ["NVIDIA GeForce RTX 3060"],
  gpuMemoryBytes: 9_830 * 1024 ** 2,
  cpuMemoryBytes: 51_200 * 1024 ** 2,
};

const redis = await findRedisServer();

function realTest(name: string, body: (path: string) => Promise<void>): void {
  if ("path" in redis) return Deno.test(name, () => body(redis.path));
  Deno.test({ name: `${name} (skipped: ${redis.skip})`, ignore: true, fn: () => {} });
}

/** A connection for tests to write with. */
function connect(url: string): Promise<RedisConnection> {
  return RedisConnection.open(RedisAddress.parse(url), new AbortController().signal);
}

realTest(
  "backends that the predecessor registered in a real Redis are found, and go with their keys",
  async (path) => {
    await using server = await startRedis(path);
    const url = `redis://127.0.0.1:${server.port}`;
    using writer = await connect(url);
    await writer.ask(["SET", "sollol:router:metadata", "{}"]);
    await writer.ask(["SETEX", "sollol:rpc:node:192.168.1.20:50052", "3600", REGISTRATION]);
    await using bed = new RedisBed(url);
    await bed.untilTold(1);
    deepEqual(bed.told[0], [{ endpoint: "192.168.1.20:50052", ...REGISTERED }]);
    await writer.ask([
      "SETEX",
      "sollol:rpc:node:100.64.0.7:50053",
      "3600",
      '{"has_gpu": false, "cpu_ram_mb": 1024}',
    ]);
    await bed.untilTold(2);
    deepEqual(bed.endpoints, ["100.64.0.7:50053", "192.168.1.20:50052"]);
    await writer.ask(["PEXPIRE", "sollol:rpc:node:192.168.1.20:50052", "1"]);
    await bed.untilTold(3);
    deepEqual(bed.endpoints, ["100.64.0.7:50053"]);
    deepEqual(bed.log.said, ["info redis is read"]);
  },
);

realTest("what is no registration is skipped, and told once", async (path) => {
  await using server = await startRedis(path);
  const url = `redis://127.0.0.1:${server.port}`;
  using writer = await connect(url);
  const set = (key: string, value: string) => writer.ask(["SETEX", `sollol:rpc:node:${key}`, "3600", value]);
  await set("10.0.0.1:50052", REGISTRATION);
  const bad = {
    "8.8.8.8:50052": REGISTRATION,
    "evil.example:50052": REGISTRATION,
    "http://10.0.0.3:80": REGISTRATION,
    "10.0.0.4": REGISTRATION,
    "10.0.0.5:0": REGISTRATION,
    "[::1]:50052": REGISTRATION,
    "10.0.0.6:50052": "not json",
    "10.0.0.7:50052": "[]",
    "10.0.0.8:50052": '{"cpu_ram_mb": -1}',
    "10.0.0.9:50052": `{"gpu_names": ["${"x".repeat(10_000_000)}"]}`,
    "10.0.0.10:50052\nwarn": REGISTRATION,
  };
  for (const [key, value] of Object.entries(bad)) await set(key, value);
  await writer.ask(["LPUSH", "sollol:rpc:node:10.0.0.11:50052", "a list"]);
  await using bed = new RedisBed(url);
  await bed.untilTold(1);
  deepEqual(bed.endpoints, ["10.0.0.1:50052"]);
  const skipped = () => bed.log.said.filter((line) => line === "warn redis registration skipped").length;
  equal(skipped(), Object.keys(bad).length + 1);
  await set("10.0.0.2:50052", REGISTRATION);
  await bed.untilTold(2);
  equal(skipped(), Object.keys(bad).length + 1, "told again");
});

realTest(
  "of more than a thousand registrations a thousand are read, and the log stays short",
  async (path) => {
    await using server = await startRedis(path);
    const url = `redis://127.0.0.1:${server.port}`;
    using writer = await connect(url);
    const keys = Array.from({ length: 1_500 }, (_, index) => `10.0.${index >> 8}.${index & 255}:50052`);
    await writer.askAll(keys.map((key) => ["SET", `sollol:rpc:node:${key}`, "{}"]));
    await writer.askAll(Array.from({ length: 5_000 }, (_, index) => ["SET", `other:${index}`, "x"]));
    await using bed = new RedisBed(url);
    await bed.untilTold(1);
    equal(bed.endpoints?.length, 1_000);
    deepEqual(bed.log.said, ["info redis is read", "warn redis registration skipped"]);
    await writer.ask(["FLUSHALL"]);
    await writer.askAll(keys.slice(0, 100).map((key) => ["SET", `sollol:rpc:node:${key}`, "nonsense"]));
    await bed.untilTold(2);
    deepEqual(bed.endpoints, []);
    equal(bed.log.lines.length, 2 + 20 + 1);
  },
);

realTest("a Redis that freezes or dies takes no backend along, and is read again by itself", async (path) => {
  const port = freePort();
  const url = `redis://127.0.0.1:${port}`;
  const first = await startRedis(path, { port });
  await using bed = new RedisBed(url);
  {
    await using _server = first;
    using writer = await connect(url);
    await writer.ask(["SETEX", "sollol:rpc:node:10.0.0.1:50052", "3600", REGISTRATION]);
    await bed.untilTold(1);
    first.process.signal("SIGSTOP");
    await bed.untilSaid(2, { hangs: true });
    match(String(bed.log.lines[1]!["reason"]), /no answer within 10 s/);
    first.process.signal("SIGCONT");
    await bed.untilSaid(3);
  }
  await bed.untilSaid(4);
  deepEqual(bed.endpoints, ["10.0.0.1:50052"], "its silence was taken for an answer");
  await using _second = await startRedis(path, { port });
  await bed.untilSaid(5);
  await bed.untilTold(2);
  deepEqual(bed.endpoints, [], "a new Redis has nothing");
  const [up, down] = ["info redis is read", "warn redis cannot be read"];
  deepEqual(bed.log.said, [up, down, up, down, up]);
});

realTest("a Redis with a password and several databases is entered", async (path) => {
  await using server = await startRedis(path, { args: ["--requirepass", "s3cr&t"] });
  using writer = await connect(`redis://default:s3cr%26t@127.0.0.1:${server.port}/4`);
  await writer.ask(["SETEX", "sollol:rpc:node:10.0.0.1:50052", "3600", REGISTRATION]);
  for (
    const { name, url, endpoints, reason } of [
      { name: "right", url: "redis://:s3cr%26t@HOST/4", endpoints: ["10.0.0.1:50052"] },
      { name: "right, another database", url: "redis://:s3cr%26t@HOST", endpoints: [] },
      { name: "wrong password", url: "redis://:wrong@HOST/4", reason: /^WRONGPASS/ },
      { name: "no password", url: "redis://HOST/4", reason: /^NOAUTH/ },
      { name: "no such database", url: "redis://:s3cr%26t@HOST/999", reason: /^ERR DB index/ },
    ]
  ) {
    await using bed = new RedisBed(url.replace("HOST", `127.0.0.1:${server.port}`));
    await bed.untilSaid(1);
    if (endpoints) await bed.untilTold(1);
    deepEqual(bed.endpoints, endpoints, name);
    match(String(bed.log.lines[0]!["reason"]), reason ?? /undefined/, name);
  }
});
