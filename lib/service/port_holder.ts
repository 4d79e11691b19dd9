import * as z from "zod";
import type { ListenAddress } from "../config/listen_address.ts";
import { HttpClient } from "../http/client.ts";
import { jsonIn } from "../json_text.ts";
import { isIPv4 } from "../net/ip_address.ts";
import { listenerAt } from "../net/tcp_table.ts";
import { findSocketOwner, readTcpSockets } from "../worker/tcp_sockets.ts";
import { ownAddress } from "./own_address.ts";

/** Who does not answer so soon is not asked which sollol it is, ms. */
const ANSWER_MS = 1_000;
/** A name, or an IPv6 address, which may be written in many ways, is not compared: the port has to do. */
const ANYWHERE = "0.0.0.0";
const MAX_ANSWER_BYTES = 1024 * 1024;

const healthSchema = z.object({ status: z.literal("ok"), version: z.string().regex(/^[\w.+-]{1,40}$/) });

/**
 * Who listens at an address of this host that we wanted, as far as we may know: `sollol 0.1.0 (deno, pid 123)`, or
 * `ollama, pid 77`.
 *
 * @returns `undefined` if that cannot be seen: it is another user's, or in another container.
 */
export async function describePortHolder(address: ListenAddress): Promise<string | undefined> {
  const [owner, version] = await Promise.all([findOwner(address), askVersion(address)]);
  if (version === undefined) return owner;
  return owner === undefined ? `sollol ${version}` : `sollol ${version} (${owner})`;
}

async function findOwner({ hostname, port }: ListenAddress): Promise<string | undefined> {
  const listener = listenerAt(await readTcpSockets(port) ?? [], isIPv4(hostname) ? hostname : ANYWHERE);
  return listener && await findSocketOwner(listener.inode);
}

/** Only a sollol answers so. Whatever else listens there may answer what it wants, or not at all. */
async function askVersion(address: ListenAddress): Promise<string | undefined> {
  using client = new HttpClient();
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const { body } = await client.send(ownAddress(address), {
      method: "GET",
      target: "/health",
      fresh: true,
      signal,
    });
    return healthSchema.safeParse(jsonIn(await body.text(MAX_ANSWER_BYTES))).data?.version;
  } catch {
    return undefined;
  }
}
