import type { WorkerReply } from "../rpc/worker_report.ts";

/**
 * Which rpc servers wait for a client that is gone. The gateway's word is believed when it says so of the same client
 * in two answers in a row, and the server still serves nobody else: a client that leaves in order is gone from here by
 * then, and one that comes has another port.
 */
export class VanishedClients {
  #suspects: ReadonlySet<string> = new Set();

  /**
   * Takes the gateway's next answer.
   *
   * @returns Clients that are gone for certain, by the endpoint of their server.
   */
  confirm({ vanished = [] }: WorkerReply): ReadonlyMap<string, readonly string[]> {
    const suspectsBefore = this.#suspects;
    const said = vanished.map(({ endpoint, client }) => ({
      endpoint,
      client,
      key: `${client} at ${endpoint}`,
    }));
    this.#suspects = new Set(said.map(({ key }) => key));
    const confirmed = said.filter(({ key }) => suspectsBefore.has(key));
    return new Map(
      Map.groupBy(confirmed, ({ endpoint }) => endpoint).entries().map(([endpoint, those]) =>
        [endpoint, those.map(({ client }) => client)] as const
      ),
    );
  }
}
