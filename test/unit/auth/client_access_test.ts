import { deepEqual, equal, throws } from "node:assert/strict";
import { may } from "../../../lib/auth/client.ts";
import { ClientAccess, type Shown } from "../../../lib/auth/client_access.ts";
import type { Scope } from "../../../lib/config/config.ts";
import { LiveConfig } from "../../../lib/config/live_config.ts";
import { GatewayError } from "../../../lib/errors.ts";
import { silentLogger } from "../../../lib/log.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { configOf } from "../../fixtures/config_changes.ts";

const SCOPES = ["inference", "metrics", "worker", "admin"] as const satisfies readonly Scope[];
const CHAT = { name: "chat", key: "chat-key" };
const HERE = "127.0.0.1";
const ELSEWHERE = "192.168.1.4";

interface Case {
  readonly name: string;
  readonly said: Record<string, unknown>;
  readonly secret?: string;
  /** Default: elsewhere. */
  readonly address?: string | undefined;
  /** What it may do. */
  readonly want: readonly Scope[];
  /** What it is told for all else. */
  readonly code?: string;
}

function accessOf(said: Record<string, unknown>): ClientAccess {
  return new ClientAccess({ config: configOf(said), clock: new FakeClock(), logger: silentLogger });
}

const OPEN = { "listen": "0.0.0.0:1", "auth.allow_anonymous": true };
const KEYED = { "listen": "0.0.0.0:1", "auth.keys": [CHAT], "api_keys": ["all"], "worker_token": "token" };

const cases: readonly Case[] = [
  { name: "no keys, on this machine", said: {}, address: HERE, want: SCOPES },
  { name: "no keys, on this machine by IPv6", said: {}, address: "::1", want: SCOPES },
  { name: "no keys, on this machine by IPv4 in IPv6", said: {}, address: "::ffff:127.0.0.1", want: SCOPES },
  { name: "no keys, on this machine with any key", said: {}, secret: "sk-x", address: HERE, want: SCOPES },
  {
    name: "no keys, from nobody knows where, listening on loopback",
    said: {},
    address: undefined,
    want: SCOPES,
  },
  {
    name: "no keys, from nobody knows where, listening elsewhere",
    said: OPEN,
    address: undefined,
    want: ["inference", "metrics"],
  },
  { name: "no keys, elsewhere by a socket that somebody else opened", said: {}, want: [] },
  {
    name: "no keys but a worker token, on this machine",
    said: { worker_token: "token" },
    address: HERE,
    want: ["inference", "metrics", "admin"],
  },
  {
    name: "no keys but a worker token, that token",
    said: { worker_token: "token" },
    secret: "token",
    want: ["worker"],
    code: "forbidden",
  },
  { name: "anonymous allowed, elsewhere", said: OPEN, want: ["inference", "metrics"] },
  {
    name: "anonymous allowed, elsewhere with any key",
    said: OPEN,
    secret: "sk-x",
    want: ["inference", "metrics"],
  },
  { name: "anonymous allowed, on this machine", said: OPEN, address: HERE, want: SCOPES },
  {
    name: "anonymous allowed beside keys, on this machine",
    said: { ...KEYED, ...OPEN },
    address: HERE,
    want: ["inference", "metrics"],
  },
  { name: "anonymous allowed beside keys, a wrong key", said: { ...KEYED, ...OPEN }, secret: "x", want: [] },
  { name: "keys, none shown", said: KEYED, want: [] },
  { name: "keys, none shown on this machine", said: KEYED, address: HERE, want: [] },
  { name: "keys, a wrong one on this machine", said: KEYED, secret: "x", address: HERE, want: [] },
  { name: "keys, an empty one", said: KEYED, secret: "", want: [] },
  {
    name: "keys, one for inference",
    said: KEYED,
    secret: "chat-key",
    want: ["inference"],
    code: "forbidden",
  },
  { name: "keys, one of api_keys", said: KEYED, secret: "all", want: SCOPES },
  { name: "keys, the worker token", said: KEYED, secret: "token", want: ["worker"], code: "forbidden" },
];

for (const { name, said, secret, want, code = "unauthorized", ...rest } of cases) {
  Deno.test(`${name}: may do ${want.join(", ") || "nothing"}`, () => {
    using access = accessOf(said);
    const address = "address" in rest ? rest.address : ELSEWHERE;
    const shown: Shown = { secret, address };
    const client = access.identify(shown);
    for (const scope of SCOPES) {
      const require = () => access.require(client, scope, "GET /x");
      if (want.includes(scope)) require();
      else throws(require, (error: GatewayError) => error.code === code, scope);
    }
  });
}

for (
  const { name, said, secret, scope, want } of [
    {
      name: "without a key",
      said: KEYED,
      scope: "metrics",
      want:
        /^This gateway wants an API key for GET \/metrics; send it as Authorization: Bearer KEY, as x-api-key/,
    },
    {
      name: "with a wrong one",
      said: KEYED,
      secret: "hunter2",
      scope: "inference",
      want: /not known.*`sollol key new`/,
    },
    {
      name: "without one, where clients may go without for other things",
      said: { ...KEYED, ...OPEN },
      scope: "admin",
      want:
        /wants an API key with the scope admin for GET \/metrics.*without one, clients may only ask models/,
    },
    {
      name: "where there is none",
      said: {},
      scope: "inference",
      want: /has no API key yet.*`sollol key new`/,
    },
    {
      name: "as a worker",
      said: { api_keys: ["k"] },
      scope: "worker",
      want: /show an API key with the scope worker; start the worker with --token/,
    },
    {
      name: "as a worker where there is a token",
      said: KEYED,
      secret: "hunter2",
      scope: "worker",
      want: /show its worker token; start the worker with --token/,
    },
    {
      name: "with a key for other things",
      said: KEYED,
      secret: "chat-key",
      scope: "admin",
      want:
        /^The key "chat" has the scope inference, and GET \/metrics needs admin; show another key, or have the operator add admin/,
    },
  ] as { name: string; said: Record<string, unknown>; secret?: string; scope: Scope; want: RegExp }[]
) {
  Deno.test(`who comes ${name} is told what to do, and never what it showed`, () => {
    using access = accessOf(said);
    const client = access.identify({ secret, address: ELSEWHERE });
    throws(() => access.require(client, scope, "GET /metrics"), (error: GatewayError) => {
      equal(want.test(error.message), true, error.message);
      equal(/hunter2|chat-key/.test(error.message), false, error.message);
      return true;
    });
  });
}

Deno.test("keys that a reload brings count at once, and those that it took are gone", () => {
  const live = new LiveConfig(configOf({ "auth.keys": [CHAT] }));
  using access = new ClientAccess({ config: live.config, clock: new FakeClock(), logger: silentLogger });
  const scopesOf = (secret: string) => access.identify({ secret, address: ELSEWHERE }).scopes;
  deepEqual([scopesOf("chat-key"), scopesOf("ops-key")], [["inference"], []]);
  live.apply(configOf({ "auth.keys": [{ name: "ops", key: "ops-key", scopes: ["admin"] }] }));
  deepEqual([scopesOf("chat-key"), scopesOf("ops-key")], [[], ["admin"]]);
});

Deno.test("the models of a key are read once, and admin may do everything", () => {
  using access = accessOf({ "auth.keys": [{ ...CHAT, models: ["tiny*"] }] });
  const [first, second] = [1, 2].map(() => access.identify({ secret: "chat-key", address: HERE }));
  equal(first!.access, second!.access);
  deepEqual([first!.access!.allows("tiny"), first!.access!.allows("big")], [true, false]);
  for (const scope of SCOPES) equal(may({ scopes: ["admin"] }, scope), true);
});
