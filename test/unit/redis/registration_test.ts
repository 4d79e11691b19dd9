import { deepEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { parseRegistration, REGISTRATION_PREFIX } from "../../../lib/redis/registration.ts";

const MIB = 1024 ** 2;

/** As json.dumps() of the predecessor's register_gpu_node.py wrote it. */
const TWO_GPUS = '{"has_gpu": true, "gpu_devices": ["cuda:0", "cuda:1"], "gpu_vram_mb": [19660, 9830], ' +
  '"gpu_names": ["NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 3060"], "cpu_ram_mb": 51200, ' +
  '"device_config": "cpu,cuda:0,cuda:1", "memory_config": "51200,19660,9830", "total_parallel_workers": 3}';

Deno.test("parseRegistration() reads what the script wrote", () => {
  deepEqual(parseRegistration("sollol:rpc:node:192.168.1.20:50052", TWO_GPUS), {
    endpoint: "192.168.1.20:50052",
    gpuNames: ["NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 3060"],
    gpuMemoryBytes: 29_490 * MIB,
    cpuMemoryBytes: 51_200 * MIB,
  });
});

for (const address of ["10.0.0.1:1", "172.31.255.254:50052", "127.0.0.1:65535", "100.64.0.1:50052"]) {
  Deno.test(`parseRegistration() takes ${address}, also without any facts`, () => {
    deepEqual(parseRegistration(REGISTRATION_PREFIX + address, "{}"), {
      endpoint: address,
      gpuNames: [],
      gpuMemoryBytes: 0,
      cpuMemoryBytes: 0,
    });
  });
}

for (
  const { key, why } of [
    { key: "sollol:gpu:10.0.0.1:50052", why: /does not begin with/ },
    { key: "sollol:rpc:node:", why: /empty/ },
    { key: "sollol:rpc:node:8.8.8.8:50052", why: /not a private IPv4 address/ },
    { key: "sollol:rpc:node:172.32.0.1:50052", why: /not a private IPv4 address/ },
    { key: "sollol:rpc:node:100.128.0.1:50052", why: /not a private IPv4 address/ },
    { key: "sollol:rpc:node:0.0.0.0:50052", why: /where a server listens/ },
    { key: "sollol:rpc:node:gpu.lan:50052", why: /not a private IPv4 address/ },
    { key: "sollol:rpc:node:localhost:50052", why: /not a private IPv4 address/ },
    { key: "sollol:rpc:node:10.0.0.1", why: /ip:port/ },
    { key: "sollol:rpc:node:10.0.0.1:050", why: /ip:port/ },
    { key: "sollol:rpc:node:10.0.0.1:0", why: /no port/ },
    { key: "sollol:rpc:node:10.0.0.1:65536", why: /no port/ },
    { key: "sollol:rpc:node:010.0.0.1:50052", why: /no IPv4 address/ },
    { key: "sollol:rpc:node: 10.0.0.1:50052", why: /ip:port/ },
    { key: "sollol:rpc:node:http://10.0.0.1:80", why: /no scheme/ },
    { key: "sollol:rpc:node:[::1]:50052", why: /IPv4 only/ },
    { key: "sollol:rpc:node:10.0.0.1:50052,8.8.8.8:1", why: /lists several/ },
    { key: `sollol:rpc:node:${"1".repeat(100_000)}`, why: /./ },
  ]
) {
  Deno.test(`parseRegistration() refuses the key ${key.slice(0, 60)}`, () => {
    throws(() => parseRegistration(key, TWO_GPUS), (error) => {
      return error instanceof RangeError && why.test(error.message) && error.message.length < 400;
    });
  });
}

for (
  const [name, value] of Object.entries({
    "no JSON": "{'has_gpu': True}",
    "nothing": "",
    "JSON that is cut off": TWO_GPUS.slice(0, -1),
    "a list": "[]",
    "null": "null",
    "a text for a truth": '{"has_gpu": "yes"}',
    "negative memory": '{"cpu_ram_mb": -1}',
    "absurd memory": '{"gpu_vram_mb": [1e300]}',
    "one number for a list": '{"gpu_vram_mb": 9830}',
    "too many GPUs": JSON.stringify({ gpu_names: Array(65).fill("GPU") }),
    "an endless name": JSON.stringify({ gpu_names: ["x".repeat(201)] }),
  })
) {
  Deno.test(`parseRegistration() refuses ${name} as a value`, () => {
    throws(() => parseRegistration("sollol:rpc:node:10.0.0.1:50052", value), RangeError);
  });
}

Deno.test("parseRegistration() throws nothing but RangeError, whatever it is given", () => {
  fc.assert(fc.property(fc.string(), fc.oneof(fc.string(), fc.json()), (key, value) => {
    try {
      parseRegistration(`${REGISTRATION_PREFIX}${key}`, value);
      parseRegistration("sollol:rpc:node:10.0.0.1:1", value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }));
});
