import { equal } from "node:assert/strict";
import { FakeOllamaNode } from "../../fakes/fake_ollama_node.ts";
import { nodeAt } from "../../fixtures/routing_bed.ts";
import { until } from "../../fixtures/until.ts";
import { GatewayBed } from "./gateway_bed.ts";

/** Noticed within a second; a busy machine gets more. */
const SOON = { withinMs: 10_000 };

/** Sends a request as clients do, head and body in two packets; long enough that the server reads no further by itself. */
async function ask(url: string, { stream }: { stream: boolean }): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const messages = [{ role: "user", content: "x".repeat(5_000) }];
  const body = JSON.stringify({ model: "llama3:8b", stream, messages });
  const head =
    `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-length: ${body.length}\r\n\r\n`;
  for (const part of [head, body]) await connection.write(new TextEncoder().encode(part));
  return connection;
}

for (const stream of [false, true]) {
  const kind = stream ? "a stream" : "an answer";
  Deno.test(`a client that leaves while it waits for ${kind} costs the node nothing from there on`, async () => {
    await using node = await FakeOllamaNode.start({ models: [{ name: "llama3:8b" }] });
    await using bed = await GatewayBed.open({ nodes: [nodeAt(node.url)] });
    node.behave("hang_inference");
    const connection = await ask(bed.url, { stream });
    await until(() => node.inFlight === 1, "the node has the request");
    connection.close();
    await until(() => bed.nodes.nodes[0]!.inFlightCount === 0, "the slot is back", SOON);
    await until(() => node.inFlight === 0, "the node is let off", SOON);
    equal(bed.requestLines.length, 1);
    equal(bed.requestLines[0]!["outcome"], "client_closed");
  });

  Deno.test(`a client that leaves while it waits for a slot and ${kind} stands in nobody's way`, async () => {
    await using node = await FakeOllamaNode.start({ models: [{ name: "llama3:8b" }] });
    await using bed = await GatewayBed.open({ nodes: [nodeAt(node.url, { slotCount: 1 })] });
    node.behave("hang_inference");
    using _first = await ask(bed.url, { stream });
    await until(() => node.inFlight === 1, "the node has the first request");
    const second = await ask(bed.url, { stream });
    const waiting = async () => (await (await fetch(`${bed.url}/health`)).json()).waitingCount;
    await until(async () => await waiting() === 1, "the second waits in line", SOON);
    second.close();
    await until(async () => await waiting() === 0, "it waits no more", SOON);
  });
}
