import { FakeOllamaNode, type FakeOllamaOptions } from "./fake_ollama_node.ts";

/**
 * The fake node as a process of its own, to be killed. Its one argument is its options as JSON. Its first line says where
 * it listens: `listening http://127.0.0.1:PORT`. Each line that it is sent, `["busy_429", {"retryAfter": "1"}]`, is told
 * to `behave()`; it answers with a line of its counters as JSON, as it does to an empty one. It ends with the pipe that its
 * lines come from, so that it does not outlive who started it; without a pipe it serves until it is killed.
 */
const node = await FakeOllamaNode.start(JSON.parse(Deno.args[0] ?? "{}") as FakeOllamaOptions);
const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
say(`listening ${node.url}`);

let unread = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (unread + text).split("\n");
  unread = lines.pop()!;
  for (const line of lines) {
    if (line !== "") node.behave(...JSON.parse(line) as Parameters<FakeOllamaNode["behave"]>);
    const { inFlight, peakInFlight, servedCount, abortedCount, connectionCount } = node;
    const counts = Object.fromEntries(node.counts);
    say(JSON.stringify({ inFlight, peakInFlight, servedCount, abortedCount, connectionCount, counts }));
  }
}
const { isFifo, isSocket } = await Deno.stat("/dev/stdin");
if (isFifo || isSocket) await node.stop();
