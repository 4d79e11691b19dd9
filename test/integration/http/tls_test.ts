import { equal, rejects } from "node:assert/strict";
import { HttpClient } from "../../../lib/http/client.ts";
import { answering, ok, ScriptedServer } from "../../fakes/scripted_server.ts";

const GET = { method: "GET", target: "/" };

interface Certificates {
  ca: string;
  cert: string;
  key: string;
}

async function openssl(folder: string, ...args: string[]): Promise<boolean> {
  const output = await new Deno.Command("openssl", { args, cwd: folder, stdout: "null", stderr: "null" })
    .output();
  return output.success;
}

/** A certificate of 127.0.0.1 and node1.test, and the authority that signed it; undefined where there is no openssl. */
async function createCertificates(): Promise<Certificates | undefined> {
  const folder = await Deno.makeTempDir();
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  try {
    await Deno.writeTextFile(
      `${folder}/ext`,
      "subjectAltName=IP:127.0.0.1,DNS:node1.test\nbasicConstraints=CA:FALSE\n",
    );
    const isDone =
      await openssl(folder, "req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca", "-subj", "/CN=ca") &&
      await openssl(folder, "req", ...key, "-keyout", "key", "-out", "csr", "-subj", "/CN=node") &&
      await openssl(
        folder,
        ...["x509", "-req", "-in", "csr", "-CA", "ca", "-CAkey", "ca.key", "-CAcreateserial"],
        ...["-out", "cert", "-extfile", "ext"],
      );
    if (!isDone) return undefined;
    const [ca, cert, keyText] = await Promise.all(
      ["ca", "cert", "key"].map((name) => Deno.readTextFile(`${folder}/${name}`)),
    );
    return { ca: ca!, cert: cert!, key: keyText! };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const certificates = await createCertificates();
const { ca, ...tls } = certificates ?? { ca: "", cert: "", key: "" };
const ignore = certificates === undefined; // no openssl on this host to make them

Deno.test({
  name: "HttpClient speaks TLS to an upstream whose authority it is told, and reuses the connection",
  ignore,
}, async () => {
  await using server = ScriptedServer.start(answering(ok("hi")), { tls });
  using client = new HttpClient({ caCerts: [ca] });
  for (let count = 0; count < 2; count++) {
    const { body } = await client.send(server.address, GET);
    equal(await body.text(10), "hi");
  }
  equal(server.peers.length, 1);
});

Deno.test(
  { name: "HttpClient refuses a certificate that it cannot verify, and sends nothing", ignore },
  async () => {
    await using server = ScriptedServer.start(answering(ok("hi")), { tls });
    using client = new HttpClient();
    await rejects(client.send(server.address, GET), {
      phase: "connect",
      kind: "tls",
      sent: false,
      message: /certificate/,
    });
  },
);

Deno.test({
  name: "HttpClient verifies the name of an upstream, not the address that it was judged to have",
  ignore,
}, async () => {
  await using server = ScriptedServer.start(answering(ok("hi")), { tls });
  const names = { refuses: () => undefined, lookUp: () => Promise.resolve(["127.0.0.1"]) };
  using client = new HttpClient({ caCerts: [ca], names });
  const at = (hostname: string) => ({ ...server.address, hostname }) as typeof server.address;
  const { body } = await client.send(at("node1.test"), GET);
  equal(await body.text(10), "hi");
  await rejects(client.send(at("other.test"), GET), { kind: "tls", sent: false, message: /certificate/ });
});

Deno.test(
  { name: "HttpClient takes a TLS connection that ends without a closing alert for cut", ignore },
  async () => {
    await using server = ScriptedServer.start(async (peer) => {
      await peer.receive();
      await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
    }, { tls });
    using client = new HttpClient({ caCerts: [ca] });
    const { body } = await client.send(server.address, GET);
    await rejects(body.text(10), { phase: "body", kind: "closed" });
  },
);

Deno.test("HttpClient says that a plain upstream does not speak TLS", async () => {
  await using server = ScriptedServer.start((peer) => peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"));
  using client = new HttpClient();
  const address = { ...server.address, tls: true } as typeof server.address;
  await rejects(client.send(address, GET), {
    phase: "connect",
    kind: "tls",
    sent: false,
    message: /write http:\/\//,
  });
});

Deno.test("HttpClient gives up a TLS handshake that is not answered", async () => {
  await using server = ScriptedServer.start(async (peer) => void await peer.untilGone());
  using client = new HttpClient();
  const address = { ...server.address, tls: true } as typeof server.address;
  await rejects(client.send(address, { ...GET, connectTimeoutMs: 30 }), {
    phase: "connect",
    kind: "timeout",
    sent: false,
  });
});
