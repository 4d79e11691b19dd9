import { PARITY_MODELS } from "../../fixtures/ollama_parity/parity_requests.ts";
import type { RealPrograms } from "../coordinator_bed.ts";
import { GatewayBed, type ServedGateway } from "../gateway_bed.ts";

/** A gateway that shards the models of the comparison over two real rpc backends. */
export interface ParityBed extends AsyncDisposable {
  readonly gateway: ServedGateway;
}

/** Starts it; nothing is loaded. Disposal stops it, and fails if something of it is left. */
export async function createParityBed(programs: RealPrograms): Promise<ParityBed> {
  await using stack = new AsyncDisposableStack();
  const bed = stack.use(await GatewayBed.create(programs, { backendCount: 2, models: [] }));
  for (const { name, weights, template, params, parameterSize } of PARITY_MODELS) {
    const config = { model_families: ["llama"], model_type: parameterSize, file_type: "F16" };
    await bed.store.addModel(name, weights(), { template, params, config });
  }
  const gateway = stack.use(await bed.serve({ settings: { "nodes.local": false } }));
  await gateway.untilBackendsAreUp();
  const owned = stack.move();
  return {
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await bed.assertNothingLeft();
      await owned.disposeAsync();
    },
  };
}
