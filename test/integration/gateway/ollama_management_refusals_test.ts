import { deepEqual, equal, match } from "node:assert/strict";
import { on, openManagementBed, pathsOf } from "./management_bed.ts";

for (
  const { name, method, path, body, headers = {}, status, error } of [
    {
      name: "an empty body",
      method: "POST",
      path: "/api/pull",
      body: "",
      status: 400,
      error: /missing request body/,
    },
    {
      name: "no model",
      method: "POST",
      path: "/api/pull",
      body: {},
      status: 400,
      error: /^invalid model name$/,
    },
    {
      name: "no model",
      method: "POST",
      path: "/api/push",
      body: {},
      status: 400,
      error: /^model is required$/,
    },
    {
      name: "no model",
      method: "POST",
      path: "/api/create",
      body: {},
      status: 400,
      error: /^invalid model name$/,
    },
    {
      name: "no model",
      method: "DELETE",
      path: "/api/delete",
      body: {},
      status: 400,
      error: /^model is required$/,
    },
    {
      name: "no source",
      method: "POST",
      path: "/api/copy",
      body: {},
      status: 400,
      error: /^source "" is invalid$/,
    },
    {
      name: "no destination",
      method: "POST",
      path: "/api/copy",
      body: { source: "a" },
      status: 400,
      error: /^destination "" is invalid$/,
    },
    {
      name: "a model that is a number",
      method: "POST",
      path: "/api/pull",
      body: { model: 5 },
      status: 400,
      error: /"model" must be text/,
    },
    { name: "a list", method: "POST", path: "/api/pull", body: [], status: 400, error: /JSON object/ },
    {
      name: "half a body",
      method: "POST",
      path: "/api/create",
      body: `{"model":`,
      status: 400,
      error: /not valid JSON/,
    },
    {
      name: "2 MiB",
      method: "POST",
      path: "/api/create",
      body: `{"model":"${"x".repeat(2 ** 21)}"}`,
      status: 413,
      error: /larger than/,
    },
    {
      name: "a digest that is a path",
      method: "POST",
      path: "/api/blobs/..%2F..%2Fshow",
      body: "x",
      status: 400,
      error: /^invalid digest format$/,
    },
    {
      name: "another method",
      method: "GET",
      path: "/api/pull",
      body: undefined,
      status: 405,
      error: /use POST/,
    },
    {
      name: "another method",
      method: "GET",
      path: `/api/blobs/sha256:${"0".repeat(64)}`,
      body: undefined,
      status: 405,
      error: /use HEAD or POST/,
    },
    {
      name: "a node that is not known",
      method: "POST",
      path: "/api/pull",
      body: { model: "m" },
      headers: on("z"),
      status: 404,
      error: /no Ollama node "z"/,
    },
    {
      name: "no node by name",
      method: "POST",
      path: "/api/pull",
      body: { model: "m" },
      headers: on(" , "),
      status: 400,
      error: /x-sollol-node/,
    },
    {
      name: "two nodes",
      method: "POST",
      path: `/api/blobs/sha256:${"0".repeat(64)}`,
      body: "x",
      headers: on("a,b"),
      status: 400,
      error: /one node at a time/,
    },
    {
      name: "an account",
      method: "POST",
      path: "/api/me",
      body: undefined,
      status: 403,
      error: /belong to each node/,
    },
    {
      name: "an account",
      method: "POST",
      path: "/api/signout",
      body: undefined,
      status: 403,
      error: /belong to each node/,
    },
    {
      name: "an account",
      method: "DELETE",
      path: "/api/user/keys/abc",
      body: undefined,
      status: 403,
      error: /belong to each node/,
    },
  ] as const
) {
  Deno.test(`${method} ${path.slice(0, 30)} with ${name} is refused, and no node hears of it`, async () => {
    await using opened = await openManagementBed(2);
    const { bed, nodes: [a, b] } = opened;
    const answer = await bed.ask(method, path, body, headers);
    equal(answer.status, status);
    deepEqual(Object.keys(answer.body), ["error"]);
    match(answer.body.error, error);
    deepEqual([pathsOf(a!), pathsOf(b!), bed.bugs], [[], [], []]);
  });
}

Deno.test("without a node, or with none that is up, there is a sentence on what to do", async () => {
  await using none = await openManagementBed(0);
  const { status, body } = await none.bed.ask("POST", "/api/pull", { model: "m" }, on("a"));
  equal(status, 501);
  match(body.error, /^There is no Ollama node to pull to; add one with "sollol nodes --add URL"/);
  await using opened = await openManagementBed(1);
  const { bed, nodes: [a] } = opened;
  await a!.stop();
  await bed.nodes.refresh({ signal: new AbortController().signal });
  const down = await bed.ask("POST", "/api/pull", { model: "m" });
  deepEqual([down.status, /^Cannot pull: no Ollama node is up; a is down: /.test(down.body.error)], [
    502,
    true,
  ]);
  const named = await bed.ask("DELETE", "/api/delete", { model: "m" }, on("a"));
  deepEqual([named.status, /^Cannot delete "m" on node a: it is down: /.test(named.body.error)], [502, true]);
});
