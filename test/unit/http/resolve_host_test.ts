import { deepEqual, equal, rejects } from "node:assert/strict";
import { isAddress, type LookUp, RefusedName, resolveHost } from "../../../lib/http/resolve_host.ts";
import { refusedAddress } from "../../../lib/net/refused_address.ts";

const NEVER = new AbortController().signal;

/** Resolves a name that has these addresses. */
function resolve(addresses: readonly string[]): Promise<readonly string[]> {
  const rules = { refuses: refusedAddress, lookUp: () => Promise.resolve(addresses) };
  return resolveHost("node1", rules, NEVER);
}

for (
  const { host, want } of [
    { host: "192.168.1.20", want: true },
    { host: "::1", want: true },
    { host: "fe80::1%eth0", want: true },
    { host: "localhost", want: false },
    { host: "node1.local", want: false },
    { host: "1.2.3", want: false },
    { host: "0xa9fea9fe", want: false },
    { host: "", want: false },
  ]
) {
  Deno.test(`"${host}" is ${want ? "an address" : "to be resolved"}`, () => equal(isAddress(host), want));
}

for (
  const { name, addresses, want } of [
    { name: "one address", addresses: ["10.0.0.1"], want: ["10.0.0.1"] },
    {
      name: "IPv4 before IPv6, else in the resolver's order",
      addresses: ["fd00::1", "10.0.0.2", "::1", "10.0.0.1"],
      want: ["10.0.0.2", "10.0.0.1", "fd00::1", "::1"],
    },
    {
      name: "what is not refused, where a host has a link-local address as well",
      addresses: ["fe80::1%eth0", "192.168.1.9", "169.254.3.4"],
      want: ["192.168.1.9"],
    },
  ]
) {
  Deno.test(`a name leads to ${name}`, async () => deepEqual(await resolve(addresses), want));
}

for (
  const { addresses, says } of [
    { addresses: ["169.254.169.254"], says: "169.254.169.254, where a cloud hands out its secrets" },
    { addresses: ["169.254.7.7"], says: "169.254.7.7, a link-local address" },
    { addresses: ["fe80::7"], says: "fe80::7, a link-local address" },
    { addresses: ["::ffff:169.254.169.254"], says: "169.254.169.254, where a cloud hands out its secrets" },
    { addresses: ["fe80::7", "169.254.169.254"], says: "fe80::7, a link-local address" },
    { addresses: [], says: "no address" },
  ]
) {
  Deno.test(`a name that leads to ${addresses.join(" and ") || "nothing"} is refused`, async () => {
    await rejects(resolve(addresses), new RefusedName(`its name leads to ${says}`));
  });
}

Deno.test("what the resolver says of a name that it does not know is passed on", async () => {
  const error = new Error("getaddrinfo ENOTFOUND node1");
  const lookUp: LookUp = () => Promise.reject(error);
  await rejects(
    resolveHost("node1", { refuses: refusedAddress, lookUp }, NEVER),
    (thrown) => thrown === error,
  );
});

for (const when of ["before", "during"] as const) {
  Deno.test(`an abort ${when} the look-up rejects with its reason, though the resolver says nothing`, async () => {
    const stop = new AbortController();
    const reason = new Error("the user left");
    const answer = Promise.withResolvers<readonly string[]>();
    const rules = { refuses: refusedAddress, lookUp: () => answer.promise };
    if (when === "before") stop.abort(reason);
    const resolved = resolveHost("node1", rules, stop.signal);
    stop.abort(reason);
    await rejects(resolved, (thrown) => thrown === reason);
    answer.reject(new Error("too late")); // nobody hears it, and it is no unhandled rejection
    await answer.promise.catch(() => {});
  });
}
