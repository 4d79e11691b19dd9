import { deepEqual, equal, match } from "node:assert/strict";
import { createSocket } from "node:dgram";
import { FakeOllamaNode } from "../fakes/fake_ollama_node.ts";
import { postChat } from "./chat.ts";
import { eventually } from "./eventually.ts";
import { NodeBed } from "./node_bed.ts";

const MAC = "02:00:5e:10:00:01";
const MODEL = "sleepy:1b";

/** Hears magic packets, as the network card of a machine that is off does. */
class NetworkCard implements AsyncDisposable {
  readonly packets: Uint8Array[] = [];
  readonly #socket = createSocket("udp4");
  readonly #onWake: () => void;

  private constructor(onWake: () => void) {
    this.#onWake = onWake;
  }

  /** Calls back once, at the first packet. */
  static async listen(onWake: () => void): Promise<NetworkCard> {
    const card = new NetworkCard(onWake);
    card.#socket.on("message", (packet) => card.#hear(new Uint8Array(packet)));
    await new Promise<void>((resolve) => card.#socket.bind(0, "127.0.0.1", resolve));
    return card;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  #hear(packet: Uint8Array): void {
    if (this.packets.push(packet) === 1) this.#onWake();
  }
}

Deno.test("a request that only a sleeping node can serve wakes it, and its stream waits with comments", async () => {
  await using bed = await NodeBed.create();
  await using node = await FakeOllamaNode.start({ models: [{ name: MODEL }] });
  await using card = await NetworkCard.listen(() => setTimeout(() => void node.startAgain(), 1_000)); // it boots
  const wake = { mac: MAC, broadcast: "127.0.0.1", port: card.port };
  await using gateway = await bed.serve({
    ollama_nodes: [{ url: node.url, name: "sleeper", wake }],
    nodes: { check_every: "200ms" },
    waiting: { comment_every: "200ms" },
  });
  await gateway.untilUp(["sleeper"]); // what it holds is known from when it was awake
  await node.stop();
  await eventually("it is down", async () => (await gateway.nodeView("sleeper")).health === "down");
  const { to, because } = await gateway.getJson(`/api/admin/route?model=${MODEL}`);
  equal(to, "wake", because);
  equal(card.packets.length, 0, "an explanation woke it");

  const response = await postChat(gateway.url, { model: MODEL, maxTokens: 4 }, true);
  const text = await response.text();
  equal(response.status, 200, text);
  match(text, /^: waiting for .*sleeper/);
  match(text, /: x-sollol-upstream: sleeper/);
  match(text, /"word3|" word3/);
  match(text, /data: \[DONE\]\n\n$/);
  deepEqual([...card.packets[0]!], magicPacketOf(MAC));
  await gateway.stop();
  equal(gateway.program.logged("node woke up").length, 1);
});

Deno.test("a node that does not wake is given up with the numbers and what to check", async () => {
  await using bed = await NodeBed.create();
  await using node = await FakeOllamaNode.start({ models: [{ name: MODEL }] });
  await using card = await NetworkCard.listen(() => {});
  const wake = { mac: MAC, broadcast: "127.0.0.1", port: card.port };
  await using gateway = await bed.serve({
    ollama_nodes: [{ url: node.url, name: "sleeper", wake }],
    nodes: { check_every: "200ms", wake_timeout: "1s" },
  });
  await gateway.untilUp(["sleeper"]);
  await node.stop();
  await eventually("it is down", async () => (await gateway.nodeView("sleeper")).health === "down");
  const response = await postChat(gateway.url, { model: MODEL }, false);
  equal(response.status, 504);
  const { error } = await response.json();
  match(
    error.message,
    /^Cannot wake sleeper: \d+ magic packets were sent for 02:00:5e:10:00:01 to 127\.0\.0\.1:\d+/,
  );
  match(error.message, /check that Wake on LAN is on/);
  await gateway.stop();
});

Deno.test("a node that sleeps when the gateway starts again is woken for what it held before", async () => {
  await using bed = await NodeBed.create();
  await using node = await FakeOllamaNode.start({ models: [{ name: MODEL }] });
  await using card = await NetworkCard.listen(() => void node.startAgain());
  const wake = { mac: MAC, broadcast: "127.0.0.1", port: card.port };
  const config = {
    ollama_nodes: [{ url: node.url, name: "sleeper", wake }],
    nodes: { check_every: "200ms" },
  };
  {
    await using before = await bed.serve(config);
    await before.untilUp(["sleeper"]);
    await before.stop();
  }
  await node.stop();
  await using gateway = await bed.serve(config);
  const { health, models } = await gateway.nodeView("sleeper");
  deepEqual([health, models.map(({ name }) => name)], ["down", [MODEL]]);
  const response = await postChat(gateway.url, { model: MODEL }, false);
  equal(response.status, 200, await response.text());
  equal(response.headers.get("x-sollol-upstream"), "sleeper");
  equal(card.packets.length > 0, true);
  await gateway.stop();
});

Deno.test("a node that was never asked what it holds is woken for a request that names it, and for no other", async () => {
  await using bed = await NodeBed.create();
  await using node = await FakeOllamaNode.start({ models: [{ name: MODEL }] });
  await using card = await NetworkCard.listen(() => void node.startAgain());
  await node.stop();
  const wake = { mac: MAC, broadcast: "127.0.0.1", port: card.port };
  await using gateway = await bed.serve({ ollama_nodes: [{ url: node.url, name: "sleeper", wake }] });

  const refused = await postChat(gateway.url, { model: MODEL }, false);
  equal(refused.status, 404);
  const { error } = await refused.json();
  match(error.message, /sleeper was never asked what it holds: down: /);
  match(error.message, /; send x-sollol-route: sleeper to have sleeper woken for it$/);
  const { because } = await gateway.getJson(`/api/admin/route?model=${MODEL}`);
  match(because, /sleeper was never asked what it holds: down: /);
  equal(card.packets.length, 0);

  const headers = { "x-sollol-route": "sleeper" };
  const response = await postChat(gateway.url, { model: MODEL, headers }, false);
  equal(response.status, 200, await response.text());
  equal(response.headers.get("x-sollol-upstream"), "sleeper");

  const other = await postChat(gateway.url, { model: "other:1b", headers }, false);
  equal(other.status, 404, await other.text());
  await gateway.stop();
});

/** Six times 0xff, then the address sixteen times. */
function magicPacketOf(mac: string): number[] {
  const address = mac.split(":").map((part) => parseInt(part, 16));
  return [...Array<number>(6).fill(0xff), ...Array.from({ length: 16 }, () => address).flat()];
}
