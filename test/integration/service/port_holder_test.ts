import { equal, match } from "node:assert/strict";
import { describePortHolder } from "../../../lib/service/port_holder.ts";

const HOSTNAME = "127.0.0.1";
const onLinux = Deno.build.os === "linux";

/** A server on loopback that answers each request so. */
function serve(answer: () => Response | Promise<Response>): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: HOSTNAME, port: 0, onListen: () => {} }, answer);
}

for (
  const { name, answer, want } of [
    {
      name: "a sollol is named with its version",
      answer: () => Response.json({ status: "ok", version: "0.0.9" }),
      want: new RegExp(`^sollol 0\\.0\\.9 \\(\\S+, pid ${Deno.pid}\\)$`),
    },
    {
      name: "another program is named as the kernel does",
      answer: () => new Response("Ollama is running"),
      want: new RegExp(`^\\S+, pid ${Deno.pid}$`),
    },
    {
      name: "one whose version is no version is not taken for a sollol",
      answer: () => Response.json({ status: "ok", version: "1\u001b[31m or so" }),
      want: new RegExp(`^\\S+, pid ${Deno.pid}$`),
    },
  ]
) {
  Deno.test({
    name: `who holds a port: ${name}`,
    ignore: !onLinux,
    async fn() {
      await using server = serve(answer);
      const { port } = server.addr;
      match(await describePortHolder({ hostname: HOSTNAME, port }) ?? "", want);
      match(await describePortHolder({ hostname: "0.0.0.0", port }) ?? "", want);
    },
  });
}

Deno.test({
  name: "who holds a port: one that never answers is named all the same",
  ignore: !onLinux,
  async fn() {
    using listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
    const holder = await describePortHolder({ hostname: HOSTNAME, port: listener.addr.port });
    match(holder ?? "", new RegExp(`^\\S+, pid ${Deno.pid}$`));
  },
});

Deno.test("who holds a port: nobody, once the one is gone", async () => {
  const listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
  const { port } = listener.addr;
  listener.close();
  equal(await describePortHolder({ hostname: HOSTNAME, port }), undefined);
});
