import type { ListenAddress } from "../config/listen_address.ts";
import { formatListenAddress } from "../config/listen_address.ts";
import { listenerAt, parseTcpTable } from "../net/tcp_table.ts";
import { fail, type Finding, ok, skip } from "./finding.ts";

/** What is known of who listens on this host. */
export interface PortFacts {
  /** The kernel's tables of TCP sockets; `undefined` where it has none. */
  readonly tables: string | undefined;
  /** Whether the gateway that answers at this very address is ours to ask. */
  readonly isGatewayThere: boolean;
  /** Names who holds the port, such as `nginx (pid 12)`; `undefined` if that cannot be seen. */
  readonly describeHolder: () => Promise<string | undefined>;
}

/** Whether a gateway could listen where the configuration says, or does. */
export async function examinePort(listen: ListenAddress, facts: PortFacts): Promise<Finding> {
  const where = formatListenAddress(listen);
  if (listen.port === 0) return ok(`${where}: the system chooses a free port`);
  if (facts.isGatewayThere) return ok(`${where} is the gateway's that runs`);
  if (facts.tables === undefined) return skip("the system does not tell who listens");
  const host = addressOf(listen.hostname);
  const listener = listenerAt(parseTcpTable(facts.tables, listen.port), host);
  if (!listener) return ok(`${where} is free`);
  const holder = await facts.describeHolder() ?? "another program";
  return fail(
    `${where} is taken by ${holder}`,
    `stop it (\`sudo ss -ltnp sport = :${listen.port}\` tells whose it is), or listen elsewhere: --listen`,
    { listen: where, holder },
  );
}

function addressOf(hostname: string): string {
  if (hostname === "localhost") return "127.0.0.1";
  return hostname === "::" ? "0.0.0.0" : hostname;
}
