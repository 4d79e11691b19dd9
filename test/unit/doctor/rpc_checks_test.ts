import { deepEqual, equal, match } from "node:assert/strict";
import { type BackendVisit, visitBackend } from "../../../lib/doctor/backend_visit.ts";
import { judgeBackend } from "../../../lib/doctor/check_backend.ts";
import { examineExposure, remoteExposure } from "../../../lib/doctor/check_exposure.ts";
import { judgeLink, judgeNetwork, type KnownLink } from "../../../lib/doctor/check_link.ts";
import { type KnownBackend, knownBackends } from "../../../lib/doctor/known_backends.ts";
import { UNLIMITED } from "../../../lib/rpc/backend.ts";
import type { ProbeResult } from "../../../lib/rpc/probe.ts";
import { GIB, MIB } from "../../../lib/units.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeMachine, type FakeMachineNature } from "../../fakes/fake_machine.ts";
import { assertFinding, type WantedFinding } from "../../fixtures/assert_finding.ts";
import { backendView } from "../../fixtures/backend_views.ts";

const NEVER = new AbortController().signal;
const V8 = { major: 8, minor: 0, patch: 0 };
const endpoint = { host: "gpu1", port: 50052 };
const known: KnownBackend = { endpoint, limits: UNLIMITED, view: undefined };

function probed(wish: Partial<ProbeResult> = {}): BackendVisit {
  const up = { verdict: "up", reason: "it answers", version: V8, connectMs: 1, answerMs: 1 } as const;
  return {
    probed: { endpoint, ...up, devices: [{ freeBytes: 8 * GIB, totalBytes: 8 * GIB }], ...wish },
    link: undefined,
  };
}

const BACKENDS:
  readonly (WantedFinding & { name: string; of?: Partial<KnownBackend>; visit?: BackendVisit })[] = [
    { name: "up is ok", result: "ok", seen: /^up, protocol 8\.0\.0, 8\.0 GiB free$/ },
    {
      name: "down fails with the probe's own cure",
      visit: probed({
        verdict: "down",
        reason: "Nothing listens at gpu1:50052; start ggml-rpc-server there",
        devices: [],
      }),
      result: "fail",
      seen: /^Nothing listens at gpu1:50052$/,
      cure: /^start ggml-rpc-server there$/,
    },
    {
      name: "of another protocol fails",
      visit: probed({ verdict: "mismatch", reason: "it speaks 7.0.0; install the same build", devices: [] }),
      result: "fail",
      cure: /install the same build/,
    },
    {
      name: "held by a stranger is a warning",
      visit: probed({ verdict: "held", reason: "it serves another client; stop that one", devices: [] }),
      result: "warn",
      cure: /stop that one/,
    },
    {
      name: "held by our own coordinator is ok, and was not asked",
      of: { view: backendView("gpu1:50052", { health: "held", holder: "c1" }) },
      visit: { probed: undefined, link: undefined },
      result: "ok",
      seen: /serves our coordinator c1/,
    },
    {
      name: "excluded does not matter",
      of: { limits: { ...UNLIMITED, isExcluded: true } },
      visit: probed({ verdict: "down", reason: "gone; look", devices: [] }),
      result: "skip",
    },
    {
      name: "too small for a layer is a warning",
      visit: probed({ devices: [{ freeBytes: 600 * MIB, totalBytes: GIB }] }),
      result: "warn",
      seen: /512\.0 MiB of each device stay free/,
      cure: /rpc\.reserve/,
    },
    {
      name: "limited to nearly nothing is a warning",
      of: { limits: { ...UNLIMITED, memoryLimitBytes: MIB } },
      result: "warn",
      seen: /memory: 1\.00 MiB allows hardly any/,
    },
  ];

for (const { name, of = {}, visit = probed(), ...want } of BACKENDS) {
  Deno.test(`a backend that is ${name}`, () => {
    assertFinding(judgeBackend({ ...known, ...of }, visit, { reserveBytes: 512 * MIB }), want);
  });
}

Deno.test("visitBackend() leaves one in peace that the gateway knows to serve somebody", async () => {
  const probe = () => Promise.reject(new Error("it was asked"));
  const options = {
    probe,
    measure: probe,
    wantVersion: V8,
    timeoutMs: 1_000,
    clock: new FakeClock(),
    signal: NEVER,
  };
  for (const health of ["held", "up"] as const) {
    const view = backendView("gpu1:50052", { health, holder: health === "up" ? "c1" : undefined });
    deepEqual(await visitBackend({ ...known, view }, options), { probed: undefined, link: undefined });
  }
});

Deno.test("visitBackend() measures the way only to a backend that is free", async () => {
  let measuredCount = 0;
  const link = { roundTripMs: 1, bytesPerSecond: 1e8 };
  const visit = async (verdict: ProbeResult["verdict"]) =>
    await visitBackend(known, {
      probe: () => Promise.resolve(probed({ verdict }).probed!),
      measure: () => {
        measuredCount++;
        return Promise.resolve(link);
      },
      wantVersion: V8,
      timeoutMs: 1_000,
      clock: new FakeClock(),
      signal: NEVER,
    });
  deepEqual((await visit("up")).link, link);
  for (const verdict of ["held", "down", "mismatch", "not-rpc"] as const) {
    equal((await visit(verdict)).link, undefined, verdict);
  }
  equal(measuredCount, 1);
});

const linkTo = (host: string, roundTripMs: number, bytesPerSecond: number | undefined): KnownLink => ({
  endpoint: `${host}:50052`,
  measured: { roundTripMs, bytesPerSecond },
  learnedBytesPerSecond: undefined,
});

const LINKS: readonly (WantedFinding & { name: string; link: KnownLink })[] = [
  {
    name: "by cable is ok",
    link: linkTo("gpu1", 0.3, 112e6),
    result: "ok",
    seen: /^0\.30 ms there and back, 106\.8 MiB\/s$/,
  },
  {
    name: "by Wi-Fi is slow",
    link: linkTo("gpu1", 12, 112e6),
    result: "warn",
    seen: /every token waits/,
    cure: /cable/,
  },
  { name: "of 100 Mbit/s is narrow", link: linkTo("gpu1", 0.5, 11e6), result: "warn", cure: /100 Mbit\/s/ },
  { name: "within this host is never blamed", link: linkTo("127.0.0.1", 80, 1e6), result: "ok" },
  {
    name: "of one that is held is known by earlier loads",
    link: { endpoint: "gpu1:50052", measured: undefined, learnedBytesPerSecond: 100e6 },
    result: "ok",
    seen: /^95\.4 MiB\/s in earlier loads$/,
  },
  {
    name: "of one that is held may be unknown",
    link: { endpoint: "gpu1:50052", measured: undefined, learnedBytesPerSecond: undefined },
    result: "skip",
  },
];

for (const { name, link, ...want } of LINKS) {
  Deno.test(`a way ${name}`, () => assertFinding(judgeLink(link), want));
}

Deno.test("the network says what its round trips mean for tokens per second, and how long a model takes to load", () => {
  const links = [linkTo("gpu1", 0.5, 100e6), linkTo("gpu2", 0.5, 50e6), linkTo("127.0.0.1", 9, 1)];
  const found = judgeNetwork(links, { name: "llama3.1:70b", sizeBytes: 40e9 });
  assertFinding(found, {
    result: "ok",
    seen: /passes 2 rpc backends one after the other, 1\.00 ms on the way: at most 1000 tokens\/s/,
  });
  match(found.seen, /llama3\.1:70b \(37\.3 GiB\) takes 10 min 0 s to get there$/); // 20 GB by 100 MB/s and 20 by 50
  deepEqual(found.figures?.["maxTokensPerSecond"], 1_000);
});

Deno.test("a network that allows a few tokens per second only is a warning", () => {
  assertFinding(judgeNetwork([linkTo("gpu1", 60, undefined)], undefined), {
    result: "warn",
    seen: /at most 16\.7 tokens\/s/,
    cure: /wired network/,
  });
});

Deno.test("backends on this host have no network between", () => {
  assertFinding(judgeNetwork([linkTo("127.0.0.1", 60, 1)], undefined), {
    result: "ok",
    seen: /on this host/,
  });
});

const LOADER = "/opt/ld-linux-x86-64.so.2\0--argv0\0ggml-rpc-server\0/opt/bin/ggml-rpc-server\0-H\0";
const UNIFIED = { "/sys/fs/cgroup/cgroup.controllers": "memory" };
const UNIT = { "/proc/7/cgroup": "0::/system.slice/sollol-rpc@50052.service\n" };
const SHOW = "systemctl show --property=IPAddressDeny sollol-rpc@50052.service";

const EXPOSURES: readonly (FakeMachineNature & WantedFinding & { name: string })[] = [
  { name: "no rpc server", texts: { "/proc/1/cmdline": "/sbin/init\0" }, result: "skip" },
  {
    name: "somebody who only names one",
    texts: { "/proc/7/cmdline": "vim\0/etc/ggml-rpc-server\0", "/proc/8/cmdline": "grep\0ggml-rpc-server\0" },
    result: "skip",
  },
  {
    name: "one on loopback",
    texts: { "/proc/7/cmdline": "/usr/bin/ggml-rpc-server\0-H\x00127.0.0.1\0" },
    result: "ok",
    seen: /loopback only/,
  },
  {
    name: "one that listens where it does by itself",
    texts: { "/proc/7/cmdline": "ggml-rpc-server\0" },
    result: "ok",
  },
  {
    name: "one for everybody",
    texts: { "/proc/7/cmdline": "/usr/bin/rpc-server\0--host\x000.0.0.0\0--port\x0050077\0", ...UNIFIED },
    result: "warn",
    seen: /everybody on the network may give orders to ggml-rpc-server at 0\.0\.0\.0:50077 \(pid 7\)/,
    cure: /sollol systemd rpc-server install/,
  },
  {
    name: "one for everybody, started by the loader of its own libc",
    texts: { "/proc/7/cmdline": `${LOADER}192.168.1.2\0`, ...UNIFIED },
    result: "warn",
    seen: /at 192\.168\.1\.2:50052/,
  },
  {
    name: "one whom systemd guards",
    texts: { "/proc/7/cmdline": `${LOADER}0.0.0.0\0`, ...UNIT, ...UNIFIED },
    answers: { [SHOW]: "IPAddressDeny=::/0 0.0.0.0/0\n" },
    result: "ok",
    seen: /only those whom systemd allows/,
  },
  {
    name: "one in a unit without an allow list",
    texts: { "/proc/7/cmdline": `${LOADER}0.0.0.0\0`, ...UNIT, ...UNIFIED },
    answers: { [SHOW]: "IPAddressDeny=\n" },
    result: "warn",
    seen: /sollol-rpc@50052\.service at 0\.0\.0\.0:50052/,
  },
  {
    name: "one whose filter the kernel does not keep",
    texts: { "/proc/7/cmdline": `${LOADER}0.0.0.0\0`, ...UNIT },
    answers: { [SHOW]: "IPAddressDeny=::/0 0.0.0.0/0\n" },
    result: "warn",
  },
];

for (const { name, result, seen, cure, ...nature } of EXPOSURES) {
  Deno.test(`of a host with ${name}, who reaches rpc servers`, async () => {
    const want = { result, ...(seen && { seen }), ...(cure && { cure }) };
    assertFinding(await examineExposure(new FakeMachine(nature), NEVER), want);
  });
}

Deno.test("what cannot be seen of other hosts is told once for all of them", () => {
  const endpoints = ["a:1", "b:2", "c:3", "d:4"];
  assertFinding(remoteExposure(endpoints), {
    result: "skip",
    seen: /a:1, b:2, c:3 and 1 more cannot be seen from here/,
  });
});

Deno.test("knownBackends() counts what several named once, and what the gateway knows to be one", () => {
  const view = backendView("192.168.1.2:50052", { aliases: ["localhost:50052"] });
  const found = knownBackends({
    configured: [{ host: "localhost", port: 50052, limits: UNLIMITED }, {
      host: "gpu2",
      port: 1,
      limits: UNLIMITED,
    }],
    stored: [{ endpoint: "gpu2:1", limits: UNLIMITED }, { endpoint: "gpu3:1", limits: UNLIMITED }],
    views: [view],
  });
  deepEqual(found.map(({ endpoint: { host } }) => host), ["192.168.1.2", "gpu2", "gpu3"]);
  equal(found[0]!.view, view);
});
