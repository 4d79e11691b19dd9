import { deepEqual } from "node:assert/strict";
import {
  examineLlamaServer,
  examineRpcServer,
  type LlamaPrograms,
} from "../../../lib/doctor/check_llama_cpp.ts";
import { examineModelRoot } from "../../../lib/doctor/check_model_root.ts";
import { judgeModels } from "../../../lib/doctor/check_models.ts";
import { examinePort } from "../../../lib/doctor/check_port.ts";
import { isReadOnly } from "../../../lib/doctor/mount_info.ts";
import type { Program } from "../../../lib/llama_cpp/find.ts";
import type { VersionReading } from "../../../lib/llama_cpp/version.ts";
import { FakeMachine, type FakeMachineNature } from "../../fakes/fake_machine.ts";
import { assertFinding, type WantedFinding } from "../../fixtures/assert_finding.ts";

const signal = new AbortController().signal;
const protocol = { major: 8, minor: 0, patch: 0 };
const found = (path: string): Program => ({ found: true, path, foundBy: "prefix" });
const MISSING: Program = { found: false, because: 'it was not found (looked in /bin); run "sollol setup"' };
const CONFIGURED: Program = { found: false, because: "it cannot be used: /x does not exist; correct it" };
const version = (build: number): VersionReading => ({
  ok: true,
  version: { text: `0.7 (${build})`, build, commit: "a" },
});
const broken = (because: string): VersionReading => ({ ok: false, because });
const NEED = { isShardingEnabled: true, hasBackends: true };

function programs(wish: Partial<Record<keyof LlamaPrograms, VersionReading>> = {}): LlamaPrograms {
  const say = (reading: VersionReading) => () => Promise.resolve(reading);
  return {
    readVersion: say(wish.readVersion ?? version(11_669)),
    readRpcServerVersion: say(wish.readRpcServerVersion ?? version(11_669)),
    check: say(wish.check ?? version(11_669)),
  };
}

const LLAMA_SERVERS: readonly (WantedFinding & {
  name: string;
  program?: Program;
  need?: typeof NEED;
  says?: VersionReading;
})[] = [
  { name: "that runs is ok", result: "ok", seen: /^\/p\/llama-server, 0\.7/ },
  {
    name: "that is missing fails where there are backends",
    program: MISSING,
    result: "fail",
    cure: /sollol setup/,
  },
  {
    name: "that is missing is a warning without backends",
    program: MISSING,
    need: { ...NEED, hasBackends: false },
    result: "warn",
  },
  {
    name: "that was named, and is not there, fails anyway",
    program: CONFIGURED,
    need: { ...NEED, hasBackends: false },
    result: "fail",
  },
  {
    name: "that nobody needs is not looked at",
    program: MISSING,
    need: { isShardingEnabled: false, hasBackends: true },
    result: "skip",
  },
  {
    name: "that does not run fails",
    says: broken("it crashed"),
    result: "fail",
    seen: /it crashed/,
    cure: /sollol setup --force/,
  },
];

for (const { name, program = found("/p/llama-server"), need = NEED, says, ...want } of LLAMA_SERVERS) {
  Deno.test(`a llama-server ${name}`, async () => {
    const tools = { programs: programs(says && { readVersion: says }), signal };
    assertFinding(await examineLlamaServer(program, need, tools), want);
  });
}

const RPC_SERVERS:
  readonly (WantedFinding & { name: string; rpcServer?: Program; wish?: Parameters<typeof programs>[0] })[] =
    [
      { name: "of llama-server's build is ok", result: "ok", seen: /b11669, rpc protocol 8\.0\.0$/ },
      { name: "that is missing is a warning", rpcServer: MISSING, result: "warn" },
      {
        name: "of another build fails",
        wish: { readRpcServerVersion: version(9_000) },
        result: "fail",
        seen: /of build b9000, llama-server of b11669/,
      },
      {
        name: "of an unknown build is a warning",
        wish: { readRpcServerVersion: broken("nobody knows") },
        result: "warn",
      },
      {
        name: "that llama-server cannot use fails",
        wish: { check: broken("/p/llama-server has no --rpc") },
        result: "fail",
      },
      {
        name: "of a llama-server that does not run is not looked at",
        wish: { check: broken("/p/llama-server crashed") },
        result: "skip",
      },
    ];

for (const { name, rpcServer = found("/p/ggml-rpc-server"), wish, ...want } of RPC_SERVERS) {
  Deno.test(`an rpc server ${name}`, async () => {
    const both = { llamaServer: found("/p/llama-server"), rpcServer };
    assertFinding(await examineRpcServer(both, NEED, { programs: programs(wish), protocol, signal }), want);
  });
}

const ROOTS: readonly (FakeMachineNature & WantedFinding & { name: string })[] = [
  { name: "that is there is ok", files: { "/m": { kind: "directory" } }, result: "ok" },
  { name: "that is one file is ok", files: { "/m": 0o644 }, result: "ok", seen: /one file/ },
  {
    name: "that is not there fails",
    result: "fail",
    seen: /\/m cannot be read: it does not exist/,
    cure: /make or mount it/,
  },
  {
    name: "whose blobs are closed fails",
    files: { "/m": { kind: "directory" }, "/m/blobs": { kind: "directory" } },
    troubles: { "/m/blobs": "this user may not" },
    result: "fail",
    seen: /\/m\/blobs cannot be read/,
    cure: /usermod -aG ollama/,
  },
];

for (const { name, result, seen, cure, ...nature } of ROOTS) {
  Deno.test(`a place of models ${name}`, async () => {
    const want = { result, ...(seen && { seen }), ...(cure && { cure }) };
    assertFinding(await examineModelRoot(new FakeMachine(nature), "/m"), want);
  });
}

Deno.test("stored models are counted, and the broken ones named", () => {
  const largest = { name: "big:70b", sizeBytes: 40e9 };
  assertFinding(judgeModels({ count: 2, largest, broken: [] }, true), {
    result: "ok",
    seen: /^2 models, the largest big:70b/,
  });
  assertFinding(judgeModels({ count: 0, largest: undefined, broken: [] }, true), { result: "skip" });
  const lost = Array.from({ length: 5 }, (_, at) => ({ name: `lost${at}`, why: "a blob is missing" }));
  assertFinding(judgeModels({ count: 5, largest, broken: lost }, true), {
    result: "warn",
    seen: /lost0: a blob is missing.* and 2 more$/,
    cure: /ollama pull lost0$/,
  });
});

const TABLE = "  0: 0100007F:2CAB 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 12345 1\n";
const listen = { hostname: "127.0.0.1", port: 0x2cab };

Deno.test("a port that somebody else holds fails with who that is", async () => {
  const describeHolder = () => Promise.resolve("nginx, pid 12");
  const facts = { tables: TABLE, isGatewayThere: false, describeHolder };
  assertFinding(await examinePort(listen, facts), {
    result: "fail",
    seen: /taken by nginx, pid 12/,
    cure: /ss -ltnp sport = :11435/,
  });
  const hidden = { ...facts, describeHolder: () => Promise.resolve(undefined) };
  assertFinding(await examinePort(listen, hidden), { result: "fail", seen: /taken by another program/ });
  for (const hostname of ["0.0.0.0", "::", "localhost"]) {
    assertFinding(await examinePort({ ...listen, hostname }, facts), { result: "fail" });
  }
  assertFinding(await examinePort(listen, { ...facts, isGatewayThere: true }), {
    result: "ok",
    seen: /the gateway's that runs/,
  });
  assertFinding(await examinePort({ ...listen, port: 1 }, facts), { result: "ok", seen: /is free/ });
  assertFinding(await examinePort({ ...listen, port: 0 }, facts), { result: "ok", seen: /chooses/ });
  assertFinding(await examinePort(listen, { ...facts, tables: undefined }), { result: "skip" });
});

Deno.test("isReadOnly() takes the word of the nearest mount, and of the last one there", () => {
  const mounts = [
    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw",
    "23 22 0:5 / /srv ro,relatime - ext4 /dev/sdb1 rw",
    "24 23 0:6 / /srv/with\\040space rw - tmpfs tmpfs rw",
    "25 23 0:7 / /srv/sick rw - ext4 /dev/sdc1 ro,errors=remount-ro",
    "26 22 0:8 / /twice rw - tmpfs tmpfs rw",
    "27 22 0:9 / /twice ro - tmpfs tmpfs rw",
    "",
  ].join("\n");
  const paths = ["/", "/srv", "/srv/a", "/srv/with space/a", "/srv/sick", "/srvother", "/twice/a"];
  deepEqual(paths.map((path) => isReadOnly(mounts, path)), [false, true, true, false, true, false, true]);
  deepEqual(isReadOnly("", "/srv"), false);
});
