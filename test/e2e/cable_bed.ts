import { NetworkNamespace } from "../fixtures/network_namespace.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { RealWorker, untilHealth } from "./worker_bed.ts";

const TOKEN = "s3cret";

/** A gateway here, and a worker with a cable in between. */
export class CableBed implements AsyncDisposable {
  private constructor(
    readonly bed: GatewayBed,
    readonly cable: NetworkNamespace,
    readonly gateway: ServedGateway,
    readonly worker: RealWorker,
    private readonly stack: AsyncDisposableStack,
  ) {}

  static async create(programs: RealPrograms): Promise<CableBed> {
    await using stack = new AsyncDisposableStack();
    const cable = stack.use(await NetworkNamespace.create());
    const bed = stack.use(await GatewayBed.create(programs, { backendCount: 0 }));
    const said = [`worker_token=${TOKEN}`, "auth.allow_anonymous=true"].flatMap((
      setting,
    ) => ["--set", setting]);
    const args = ["--listen", `${cable.outerAddress}:0`, ...said];
    const gateway = stack.use(await bed.serve({ args }));
    const where = { through: cable.through, address: cable.innerAddress };
    const who = { gatewayUrl: gateway.url, name: "cellar", token: TOKEN };
    const worker = stack.use(await RealWorker.start(bed.sandbox, programs, { ...where, ...who }));
    await untilHealth(gateway.url, worker.endpoint, "up", 5_000);
    return new CableBed(bed, cable, gateway, worker, stack.move());
  }

  /** Waits until the gateway says so of the worker's backend. */
  async until(health: "up" | "held" | "down", withinMs: number) {
    return await untilHealth(this.gateway.url, this.worker.endpoint, health, withinMs);
  }

  /** Whom the rpc server believes to serve. */
  clients(): string[] {
    const port = Number(this.worker.endpoint.split(":")[1]).toString(16).toUpperCase().padStart(4, "0");
    const rows = Deno.readTextFileSync(`/proc/${this.worker.serverPid}/net/tcp`).split("\n");
    return rows.filter((row) => new RegExp(`^ *\\d+: [0-9A-F]{8}:${port} [0-9A-F:]+ 01 `).test(row));
  }

  /** Ends all in order, and fails if anything is left. */
  async end(): Promise<void> {
    await this.gateway.stop();
    await this.worker.stop();
    await this.bed.assertNothingLeft();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}
