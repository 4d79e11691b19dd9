import { deepEqual, equal, rejects } from "node:assert/strict";
import type { NodeIdentity } from "../../../lib/nodes/node_identity.ts";
import { NodePlaces } from "../../../lib/nodes/node_places.ts";

const { signal } = new AbortController();
const identity = (address: string, isLocal = false): NodeIdentity => ({
  server: `http ${address}`,
  address,
  port: 1,
  isLocal,
  refused: undefined,
});

Deno.test("a URL is its own server until it is known where it leads, and keeps what was known", async () => {
  let known: NodeIdentity | undefined = undefined;
  const places = new NodePlaces(() => Promise.resolve(known));
  deepEqual([places.has("http://a:1"), places.serverOf("http://a:1")], [false, "http://a:1"]);
  await places.learn(["http://a:1"], signal);
  deepEqual([places.has("http://a:1"), places.serverOf("http://a:1")], [true, "http://a:1"]);
  known = identity("10.0.0.1");
  await places.learn(["http://a:1"], signal);
  known = undefined;
  await places.learn(["http://a:1"], signal);
  equal(places.serverOf("http://a:1"), "http 10.0.0.1");
});

Deno.test("names and addresses of this host may lead elsewhere later, addresses of others do not", () => {
  const places = new NodePlaces(() => Promise.resolve(undefined));
  places.put("http://10.0.0.1:1", identity("10.0.0.1"));
  places.put("http://[fd00::1]:1", identity("fd00::1"));
  places.put("http://10.0.0.1.nip.io:1", identity("10.0.0.1"));
  places.put("http://127.0.0.1:1", identity("127.0.0.1", true));
  const urls = [
    "http://10.0.0.1:1",
    "http://[fd00::1]:1",
    "http://10.0.0.1.nip.io:1",
    "http://127.0.0.1:1",
    "http://x:1",
  ];
  deepEqual(urls.map((url) => places.mayChange(url)), [false, false, true, true, true]);
});

Deno.test("keepOnly() forgets the rest", () => {
  const places = new NodePlaces(() => Promise.resolve(undefined));
  for (const url of ["a", "b"]) places.put(url, undefined);
  places.keepOnly(["b", "c"]);
  deepEqual(["a", "b", "c"].map((url) => places.has(url)), [false, true, false]);
});

Deno.test("a thousand URLs are looked up 64 at a time", async () => {
  let [running, peak] = [0, 0];
  const places = new NodePlaces(async () => {
    peak = Math.max(peak, ++running);
    await Promise.resolve();
    running--;
    return undefined;
  });
  await places.learn(Array.from({ length: 1_000 }, (_, at) => `http://a:${at}`), signal);
  equal(peak, 64);
});

Deno.test("learn() ends with its signal", async () => {
  const places = new NodePlaces((_url, { signal }) => Promise.reject(signal.reason));
  await rejects(places.learn(["a"], AbortSignal.abort(new Error("enough"))), /enough/);
});

Deno.test("a URL that cannot be looked up leaves the others, keeps what was known, and is told once until it can", async () => {
  const faulty = new Set<string>();
  const told: string[] = [];
  const places = new NodePlaces(
    (url) => faulty.has(url) ? Promise.reject(new Error("no more files")) : Promise.resolve(identity(url)),
    (url, error) => told.push(`${url}: ${error}`),
  );
  const urls = ["http://a:1", "http://b:1", "http://c:1"];
  await places.learn(urls.slice(0, 1), signal);
  for (const url of urls.slice(0, 2)) faulty.add(url);
  await places.learn(urls, signal);
  await places.learn(urls, signal);
  deepEqual(urls.map((url) => places.of(url)?.address), ["http://a:1", undefined, "http://c:1"]);
  deepEqual(told, ["http://a:1: Error: no more files", "http://b:1: Error: no more files"]);
  faulty.clear();
  await places.learn(urls, signal);
  faulty.add("http://a:1");
  await places.learn(urls, signal);
  equal(told.length, 3);
});
