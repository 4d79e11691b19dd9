import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { inspect } from "node:util";
import { RedisAddress } from "../../../lib/redis/address.ts";

const NONE = undefined;

for (
  const { url, text, credentials = NONE } of [
    { url: "redis://localhost", text: "redis://localhost:6379/0" },
    { url: " redis://Redis.LAN:7000/ ", text: "redis://redis.lan:7000/0" },
    { url: "redis://10.0.0.1/15", text: "redis://10.0.0.1:6379/15" },
    { url: "redis://[fd00::1]:6380/2", text: "redis://[fd00::1]:6380/2" },
    { url: "redis://:pw@host", text: "redis://host:6379/0", credentials: { username: NONE, password: "pw" } },
    {
      url: "redis://us%40er:p%2Fw%25@host:1/3",
      text: "redis://host:1/3",
      credentials: { username: "us@er", password: "p/w%" },
    },
  ]
) {
  Deno.test(`RedisAddress.parse() reads ${url}`, () => {
    const address = RedisAddress.parse(url);
    equal(String(address), text);
    deepEqual(address.reveal(), credentials);
  });
}

for (
  const { url, why } of [
    { url: "", why: /no URL/ },
    { url: "localhost:6379", why: /scheme is not redis/ },
    { url: "http://host:6379", why: /scheme is not redis/ },
    { url: "rediss://:secretpw@host", why: /TLS is not supported/ },
    { url: "redis://", why: /names no host/ },
    { url: "redis://host:0", why: /0 is no port/ },
    { url: "redis://:secretpw@host:70000", why: /no URL/ },
    { url: "redis://:secretpw@host/name", why: /number of a database/ },
    { url: "redis://:secretpw@host/1/2", why: /number of a database/ },
    { url: "redis://:secretpw@host//1", why: /number of a database/ },
    { url: "redis://:secretpw@host/-1", why: /number of a database/ },
    { url: "redis://:secretpw@host?db=1", why: /query or a fragment/ },
    { url: "redis://:secretpw#@host", why: /names no host|fragment|no URL/ },
    { url: "redis://secretpw@host", why: /user without a password/ },
    { url: "redis://:secretpw%zz@host", why: /%25/ },
  ]
) {
  Deno.test(`RedisAddress.parse() refuses ${url || "nothing"} and repeats no password`, () => {
    throws(() => RedisAddress.parse(url), (error) => {
      ok(error instanceof RangeError);
      ok(why.test(error.message), error.message);
      return !error.message.includes("secretpw");
    });
  });
}

Deno.test("an address shows its password to nobody who prints it", () => {
  const address = RedisAddress.parse("redis://nora:secretpw@host/1");
  const shown = [
    String(address),
    JSON.stringify({ address }),
    Deno.inspect(address),
    inspect(address, { showHidden: true }),
  ];
  for (const text of shown) ok(!/nora|secretpw/.test(text), text);
});
