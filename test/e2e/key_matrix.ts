/**
 * What each of three keys gets at each route of a real gateway, and what 10,000 wrong keys do to it: all by requests over
 * sockets. Ends with 1 if anything is not as configured. Half a minute, loopback only.
 */
import { Table } from "console-table-printer";
import { CHAT, KEY_ROUTES, KEYS, resultOf, SECRETS } from "../fixtures/key_matrix.ts";
import { eventually } from "./eventually.ts";
import { NodeBed, type NodeGateway } from "./node_bed.ts";
import type { LogRecord } from "./program.ts";

/** The keys that are shown: for chats, for everything, for one model at two requests at a time; and none. */
const SHOWN = ["chat-key", "ops-key", "one-key", undefined] as const;
const WRONG_COUNT = 10_000;
const CLIENT_COUNT = 8;
const ROUND_COUNT = 31;
const REQUESTS_PER_ROUND = 40;
/** How far a key that is nearly right may be from one that is all wrong; noise of a busy machine is less. */
const MAX_RATIO = 1.5;

/** How lines about clients without a right key end. */
const REFUSED = "right key refused";

const say = (text: string) => void Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));

function check(what: string, isRight: boolean): void {
  say(`${isRight ? "ok  " : "FAIL"} ${what}`);
  if (!isRight) Deno.exitCode = 1;
}

async function main(): Promise<void> {
  await using bed = await NodeBed.create([{ models: [{ name: "fake:latest" }, { name: "other:latest" }] }]);
  await using gateway = await bed.serve(KEYS);
  await untilNodesAreUp(gateway);
  await printMatrix(gateway);
  await checkTwoAtATime(bed, gateway);
  await sendWrongKeys(gateway);
  await printTimes(gateway);
  await gateway.program.stop();
}

async function untilNodesAreUp(gateway: NodeGateway): Promise<void> {
  const models = async () => await (await ask(gateway, "ops-key", "GET /v1/models")).text();
  await eventually("both models are listed", async () => /fake.*other/s.test(await models()));
}

function ask(
  { url }: NodeGateway,
  key: string | undefined,
  route: string,
  body?: unknown,
): Promise<Response> {
  const [method = "", path = ""] = route.split(" ");
  const headers = {
    "content-type": "application/json",
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  };
  return fetch(url + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
}

async function printMatrix(gateway: NodeGateway): Promise<void> {
  const table = new Table({ columns: [{ name: "route", alignment: "left" }] });
  let wrongCount = 0;
  for (const [route, body, ...wanted] of KEY_ROUTES) {
    const row: Record<string, string> = { route: `${route}${modelNote(body)}`.slice(0, 60) };
    for (const key of SHOWN) {
      const response = await ask(gateway, key, route, body);
      await response.body?.cancel();
      const want = wanted[SECRETS.indexOf(key)];
      const isRight = resultOf(response) === want;
      if (!isRight) wrongCount++;
      row[key ?? "none"] = isRight ? String(response.status) : `${response.status}, want ${want}`;
    }
    table.addRow(row);
  }
  say(table.render());
  check(
    `${KEY_ROUTES.length} routes by ${SHOWN.length} keys: ${wrongCount} not as configured`,
    wrongCount === 0,
  );
}

function modelNote(body: unknown): string {
  const { model, requests } = (body ?? {}) as { model?: string; requests?: readonly { model: string }[] };
  const name = model ?? requests?.[0]?.model;
  return name === undefined ? "" : ` (${name})`;
}

/** A third request is refused while two are under way, and let in when they are over. */
async function checkTwoAtATime(bed: NodeBed, gateway: NodeGateway): Promise<void> {
  const chat = async () => {
    const response = await ask(gateway, "one-key", "POST /v1/chat/completions", CHAT("fake"));
    await response.body?.cancel();
    return response.status;
  };
  const [node] = bed.nodes;
  await node!.behave("hang");
  const three = [chat(), chat(), chat()];
  const first = await Promise.race(three);
  await node!.behave("ok");
  const statuses = (await Promise.all(three)).toSorted();
  check(
    `three at once of a key for two at a time: ${statuses.join(", ")}`,
    first === 429 && statuses[1] === 200,
  );
  check("another one when they are over: 200", await chat() === 200);
  const requests = Array(6).fill({ type: "chat", ...CHAT("fake") });
  const many = await ask(gateway, "one-key", "POST /api/batch", { requests });
  await many.body?.cancel();
  const { peakInFlight } = await node!.counters();
  check(
    `six in one request: ${many.status}, at most ${peakInFlight} at a time at the node`,
    many.ok && peakInFlight <= 2,
  );
}

async function sendWrongKeys(gateway: NodeGateway): Promise<void> {
  const beforeCount = gateway.program.log.length;
  const statuses = new Map<number, number>();
  let sentCount = 0;
  const startedMs = performance.now();
  const send = async () => {
    while (sentCount < WRONG_COUNT) {
      const response = await ask(gateway, `wrong-${sentCount++}`, "GET /v1/models");
      await response.body?.cancel();
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: CLIENT_COUNT }, send));
  const seconds = (performance.now() - startedMs) / 1_000;
  const told = [...statuses].map(([status, count]) => `${count} × ${status}`).join(", ");
  check(`${WRONG_COUNT} wrong keys in ${seconds.toFixed(1)} s: ${told}`, statuses.get(401) === WRONG_COUNT);
  const lines = () =>
    gateway.program.log.slice(beforeCount).filter(({ message }) => message.endsWith(REFUSED));
  await eventually("all of them are counted in the log", () => toldCount(lines()) >= WRONG_COUNT);
  const most = mostPerSecond(lines());
  check(`${lines().length} lines of log for them, at most ${most} in any second`, most <= 1);
  check("no secret in the log", !gateway.program.stdout.text.includes("wrong-"));
}

function toldCount(lines: readonly LogRecord[]): number {
  return lines.reduce(
    (sum, { unknownKeyCount, hasUnknownKey }) => sum + Number(unknownKeyCount ?? hasUnknownKey),
    0,
  );
}

function mostPerSecond(lines: readonly LogRecord[]): number {
  const times = lines.map(({ time }) => Date.parse(time));
  // The log tells milliseconds: two lines a second apart may seem a little nearer.
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 990).length));
}

/** Each kind in each round, so that whatever else the machine does befalls all; the first round warms up. */
async function printTimes(gateway: NodeGateway): Promise<void> {
  const kinds = [
    ["wrong", "nobody-k"],
    ["wrong in its last letter", "chat-keY"],
    ["right", "chat-key"],
    ["absent", undefined],
  ] as const;
  const taken = kinds.map((): number[] => []);
  for (let round = 0; round <= ROUND_COUNT; round++) {
    for (const [at, [, key]] of kinds.entries()) {
      const startedMs = performance.now();
      for (let count = 0; count < REQUESTS_PER_ROUND; count++) {
        await (await ask(gateway, key, "GET /api/version")).body?.cancel();
      }
      if (round > 0) taken[at]!.push((performance.now() - startedMs) / REQUESTS_PER_ROUND);
    }
  }
  const medians = taken.map((times) => times.toSorted((a, b) => a - b)[times.length >> 1]!);
  const table = new Table({ columns: [{ name: "key", alignment: "left" }] });
  kinds.forEach(([key], at) => {
    const ratio = (medians[at]! / medians[0]!).toFixed(2);
    table.addRow({ key, "median ms": medians[at]!.toFixed(3), "of a wrong one": ratio });
  });
  say(table.render());
  const near = medians[1]! / medians[0]!;
  check(
    `a key that is nearly right takes ${near.toFixed(2)} of the time of a wrong one`,
    near < MAX_RATIO && near > 1 / MAX_RATIO,
  );
}

if (import.meta.main) await main();
