/** Kills an rpc backend at chosen tokens of a stream that is continued, and holds it against the undisturbed one. */
import { dataOf, postChat } from "./chat.ts";
import type { RealPrograms } from "./coordinator_bed.ts";
import { print } from "./figures.ts";
import { GatewayBed, type ServedGateway } from "./gateway_bed.ts";
import { type ShelfBackend, startShelf } from "./shelf.ts";
import { findPrograms } from "./with_llama_cpp.ts";

const TOKEN_COUNT = 300;

/** What a client can tell of a whole stream; equal ones are the same to it. */
export interface StreamShape {
  readonly text: string;
  /** How many ids its events have. */
  readonly idCount: number;
  /** Events that name the role. */
  readonly roleCount: number;
  /** The reasons of those events that name one. */
  readonly finishReasons: readonly string[];
  /** Prompt, completion and total tokens of each event that tells them. */
  readonly usages: readonly (readonly number[])[];
  /** Events with an error. */
  readonly errors: readonly string[];
  /** Whether `[DONE]` is the last of it, and there only. */
  readonly isDone: boolean;
}

/** A gateway that continues streams, over three rpc backends that come back when they are killed. */
export class ResumeBed implements AsyncDisposable {
  private constructor(
    private readonly bed: GatewayBed,
    private readonly backends: readonly ShelfBackend[],
    readonly gateway: ServedGateway,
    private readonly stack: AsyncDisposableStack,
  ) {}

  static async create(programs: RealPrograms): Promise<ResumeBed> {
    await using stack = new AsyncDisposableStack();
    const bed = stack.use(await GatewayBed.create(programs, { backendCount: 0, shape: { f32: true } }));
    const backends = await startShelf(programs.rpcServer, 3, stack);
    const settings = {
      "resume_streams": true,
      // What is said so far is computed anew in larger batches. In 16 bits that is rounded otherwise often enough to turn
      // over a choice between two words that are almost as likely.
      "coordinator.kv_type": "f32",
      "pool.restart_window": "1s",
      "rpc.trust": "1s",
    };
    const rpcBackends = backends.map(({ endpoint }) => endpoint);
    const gateway = stack.use(await bed.serve({ rpcBackends, settings }));
    return new ResumeBed(bed, backends, gateway, stack.move());
  }

  /** A greedy stream of 300 tokens that nothing disturbs. */
  undisturbed(): Promise<StreamShape> {
    return this.#stream(() => Promise.resolve());
  }

  /** The same, but an rpc backend is killed when the client has so many tokens. */
  async disturbed(killAt: number): Promise<StreamShape> {
    await this.gateway.untilBackendsAreUp();
    const { endpoints } = await this.gateway.coordinatorOf("tiny");
    const victim = this.backends.find(({ endpoint }) => endpoint === endpoints[0])!;
    const shape = await this.#stream(async (tokenCount) => {
      if (tokenCount === killAt) await victim.kill();
    });
    await victim.revive();
    return shape;
  }

  /** Fails unless the gateway ends in order and nothing is left. */
  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.bed.assertNothingLeft();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }

  async #stream(onToken: (tokenCount: number) => Promise<void>): Promise<StreamShape> {
    // What is kept of an earlier prompt was computed in other batches, and rounded otherwise: even an undisturbed stream
    // is not the same again then.
    const fields = { stream_options: { include_usage: true }, cache_prompt: false };
    const response = await postChat(this.gateway.url, { maxTokens: TOKEN_COUNT, fields }, true);
    let tokenCount = 0;
    const datas: string[] = [];
    for await (const data of dataOf(response.body!)) {
      datas.push(data);
      if (data !== "[DONE]" && JSON.parse(data).choices?.[0]?.delta?.content) await onToken(++tokenCount);
    }
    return shapeOf(datas);
  }
}

/** What a client can tell of a stream by the data of its events. */
function shapeOf(datas: readonly string[]): StreamShape {
  const events = datas.filter((data) => data !== "[DONE]").map((data) => JSON.parse(data));
  const choices = events.flatMap((event) => event.choices ?? []);
  const usages = events.flatMap(({ usage }) => usage ? [usage] : []);
  return {
    text: choices.map(({ delta }) => delta.content ?? "").join(""),
    idCount: new Set(events.map(({ id }) => id)).size,
    roleCount: choices.filter(({ delta }) => delta.role !== undefined).length,
    finishReasons: choices.flatMap(({ finish_reason: reason }) => reason ?? []),
    usages: usages.map((usage) => [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens]),
    errors: events.flatMap(({ error }) => error?.message ?? []),
    isDone: datas.indexOf("[DONE]") === datas.length - 1,
  };
}

/** Where two differ, text by what stands there. */
function differences(wanted: StreamShape, got: StreamShape): string {
  const at = [...wanted.text].findIndex((letter, index) => letter !== got.text[index]);
  const from = at < 0 ? wanted.text.length : at;
  const showing = ({ text, ...rest }: StreamShape) =>
    JSON.stringify({ length: text.length, [`text at ${from}`]: text.slice(from - 20, from + 40), ...rest });
  return `  wanted ${showing(wanted)}\n  got    ${showing(got)}`;
}

async function main(): Promise<void> {
  const programs = await findPrograms();
  if (typeof programs === "string") throw new Error(programs);
  await using bed = await ResumeBed.create(programs);
  const wanted = await bed.undisturbed();
  const killsAt = [1, 2, 10, 50, 100, 101, 150, 200, 250, 280];
  for (const killAt of killsAt) {
    const shape = await bed.disturbed(killAt);
    const isEqual = JSON.stringify(shape) === JSON.stringify(wanted);
    print(
      `killed at token ${String(killAt).padStart(3)} of ${TOKEN_COUNT}: ${isEqual ? "equal" : "DIFFERENT"}`,
    );
    if (isEqual) continue;
    print(differences(wanted, shape));
    Deno.exitCode = 1;
  }
  await bed.stop();
  print(`${bed.gateway.loads.length - 1} coordinators were lost to ${killsAt.length} kills`);
}

if (import.meta.main) await main();
