import { equal } from "node:assert/strict";
import { parseVersion } from "../../../lib/rpc/protocol.ts";
import { type Finding, judge, type Verdict } from "../../../lib/rpc/verdict.ts";
import { GIB } from "../../../lib/units.ts";

const endpoint = { host: "shelf", port: 50052 };
const gpu = { freeBytes: 20 * GIB, totalBytes: 24 * GIB };

function answered(version: string, ...devices: (typeof gpu)[]): Finding {
  return { kind: "answered", version: parseVersion(version), devices };
}

for (
  const { name, finding, want, verdict, reason } of [
    {
      name: "an answer of the wanted version",
      finding: answered("8.0.0", gpu, gpu),
      want: "8.0.0",
      verdict: "up",
      reason: "shelf:50052 speaks rpc protocol 8.0.0 and offers 2 devices with 40.0 GiB free",
    },
    {
      name: "an answer when no version is wanted",
      finding: answered("4.0.3", gpu),
      verdict: "up",
      reason: "shelf:50052 speaks rpc protocol 4.0.3 and offers 1 device with 20.0 GiB free",
    },
    {
      name: "a patch level that llama.cpp would accept",
      finding: answered("8.0.1", gpu),
      want: "8.0.0",
      verdict: "mismatch",
      reason:
        "shelf:50052 speaks rpc protocol 8.0.1, ours is 8.0.0: they would connect, but may number tensor " +
        "operations differently; install the same llama.cpp build on both",
    },
    {
      name: "a major version that llama.cpp refuses",
      finding: answered("5.1.0", gpu),
      want: "8.0.0",
      verdict: "mismatch",
      reason: "shelf:50052 speaks rpc protocol 5.1.0, ours is 8.0.0: llama.cpp refuses that; " +
        "install the same llama.cpp build on both",
    },
    {
      name: "a server before 4.0, wanted or not",
      finding: answered("3.6.1"),
      want: "3.6.1",
      verdict: "mismatch",
      reason: "shelf:50052 speaks rpc protocol 3.6.1, which is older than 4.0; update llama.cpp there",
    },
    {
      name: "a server without a device",
      finding: answered("8.0.0"),
      verdict: "down",
      reason: "shelf:50052 offers no device; start ggml-rpc-server there with --device",
    },
    {
      name: "a refused connection",
      finding: { kind: "unreachable", code: "ECONNREFUSED" },
      verdict: "down",
      reason: "Nothing listens at shelf:50052; start ggml-rpc-server there",
    },
    {
      name: "an unknown name",
      finding: { kind: "unreachable", code: "ENOTFOUND" },
      verdict: "down",
      reason: 'Cannot resolve "shelf" to an IPv4 address; check the name, or write the address',
    },
    {
      name: "a host without a route",
      finding: { kind: "unreachable", code: "EHOSTUNREACH" },
      verdict: "down",
      reason: "No route to shelf:50052; check that the machine is on and in a network that this one reaches",
    },
    {
      name: "any other failure to connect",
      finding: { kind: "unreachable", code: "EACCES" },
      verdict: "down",
      reason: "Cannot connect to shelf:50052 (EACCES); check the address, firewalls and permissions",
    },
    {
      name: "a connection attempt without an answer",
      finding: { kind: "connect timeout", waitedMs: 2_000 },
      verdict: "down",
      reason:
        "shelf:50052 did not take a connection within 2.0 s: the machine is off, a firewall drops packets, " +
        "or other clients fill its queue of two; check these in turn",
    },
    {
      name: "a place in the queue",
      finding: { kind: "queued", waitedMs: 200_000 },
      verdict: "held",
      reason:
        "shelf:50052 serves another client, or hangs, for 3 min 20 s at least; stop the coordinator that " +
        "uses it, or start a second ggml-rpc-server there on another port",
    },
    {
      name: "a free server that does not answer",
      finding: { kind: "answer timeout", waitedMs: 2_000, receivedBytes: 0 },
      verdict: "held",
      reason:
        "shelf:50052 was free but did not answer within 2.0 s: another client took it just then, or it is no " +
        "ggml-rpc-server; probe again, then check the port",
    },
    {
      name: "half an answer in all the time",
      finding: { kind: "answer timeout", waitedMs: 2_000, receivedBytes: 11 },
      verdict: "down",
      reason: "shelf:50052 sent only 11 bytes of its answer in 2.0 s; check its load and the network",
    },
    {
      name: "half an answer and the end",
      finding: { kind: "closed", receivedBytes: 40 },
      verdict: "down",
      reason: "shelf:50052 closed after 40 bytes of its answer; look into the log of its ggml-rpc-server",
    },
    {
      name: "a server that closes on each HELLO",
      finding: { kind: "closed", receivedBytes: 0 },
      verdict: "not-rpc",
      reason:
        "shelf:50052 closes without an answer: it is no ggml-rpc-server, or one older than April 2025 " +
        "(b5150); check the port, then update llama.cpp there",
    },
    {
      name: "a server of another kind",
      finding: { kind: "foreign", looksLike: "an HTTP server", detail: "" },
      verdict: "not-rpc",
      reason: "shelf:50052 is an HTTP server, not a ggml-rpc-server; check the port",
    },
    {
      name: "garbage",
      finding: { kind: "foreign", looksLike: undefined, detail: "it speaks before it is asked" },
      verdict: "not-rpc",
      reason: "shelf:50052 does not speak the rpc protocol: it speaks before it is asked; check the port",
    },
  ] satisfies { name: string; finding: Finding; want?: string; verdict: Verdict; reason: string }[]
) {
  Deno.test(`judge() calls ${name} ${verdict}`, () => {
    const judged = judge(finding, endpoint, want === undefined ? undefined : parseVersion(want));
    equal(judged.reason, reason);
    equal(judged.verdict, verdict);
  });
}
