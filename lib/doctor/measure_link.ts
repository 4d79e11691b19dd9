import { connect, type Socket } from "node:net";
import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import { encodeHello, type ProtocolVersion, RPC_COMMAND } from "../rpc/protocol.ts";
import { MIB } from "../units.ts";
import { untilAborted } from "../until_aborted.ts";
import { type LinkFigures, medianOf } from "./link_figures.ts";

/** How {@linkcode measureLink} works. */
export interface MeasureLinkOptions {
  /** Of the backend, as its probe told. */
  readonly version: ProtocolVersion;
  /** Time. */
  readonly clock: Clock;
  /** Ends the measurement. */
  readonly signal: AbortSignal;
  /** For the whole measurement, ms. Default 2,500. */
  readonly timeoutMs?: number;
  /** What is sent to see how fast it arrives, bytes. Default 8 MiB: 70 ms on a cable of 1 Gbit/s. */
  readonly loadBytes?: number;
}

const ROUND_TRIPS = 9;
/** Of protocol 4.0 and later. */
const HELLO_ANSWER_BYTES = 8 + 28;
const COUNT_ANSWER_BYTES = 8 + 4;
/** The newest protocol of which it is known what it does with a graph for a device that it has not. */
const NEWEST_KNOWN_MAJOR = 8;
/** @see `enum rpc_cmd` in ggml/src/ggml-rpc/ggml-rpc.cpp */
const GRAPH_COMPUTE = 10;

/**
 * Measures the way to an rpc backend that a probe has just found free: the time of some small requests one after the
 * other, and how fast some MiB arrive. It changes nothing there, and holds it for less than the timeout.
 *
 * The bytes are those of a graph for device 2³²-1. A server reads such a request whole, finds first of all that it has no
 * such device, and closes the connection: that is when all has arrived. It allocates them for that long.
 *
 * @returns `undefined` if it did not answer in time: somebody else took it meanwhile.
 * @throws The signal's reason.
 * @see `rpc_server::graph_compute` in ggml/src/ggml-rpc/ggml-rpc.cpp, protocol 8.0
 */
export async function measureLink(
  endpoint: Endpoint,
  { version, clock, signal, timeoutMs = 2_500, loadBytes = 8 * MIB }: MeasureLinkOptions,
): Promise<LinkFigures | undefined> {
  if (version.major < 4 || version.major > NEWEST_KNOWN_MAJOR) return undefined;
  using deadline = new Deadline(clock, timeoutMs, { signal });
  using line = new Line(endpoint, deadline.signal);
  if (!await line.exchange(encodeHello(), HELLO_ANSWER_BYTES)) return refused(signal);
  const times: number[] = [];
  for (let trip = 0; trip < ROUND_TRIPS; trip++) {
    const startMs = clock.monotonic();
    if (!await line.exchange(countRequest(), COUNT_ANSWER_BYTES)) return refused(signal);
    times.push(clock.monotonic() - startMs);
  }
  const startMs = clock.monotonic();
  const isWhole = await line.sendUntilClosed(graphForNoDevice(loadBytes));
  signal.throwIfAborted();
  const seconds = Math.max(clock.monotonic() - startMs, 0.001) / 1_000;
  return { roundTripMs: medianOf(times), bytesPerSecond: isWhole ? loadBytes / seconds : undefined };
}

function refused(signal: AbortSignal): undefined {
  signal.throwIfAborted();
  return undefined;
}

/** DEVICE_COUNT: the smallest request there is. */
function countRequest(): Uint8Array {
  return Uint8Array.of(RPC_COMMAND.deviceCount, 0, 0, 0, 0, 0, 0, 0, 0);
}

/** `u8 command | u64 size | u32 device | u32 nodes …`, all of it 0xff behind the size. */
function graphForNoDevice(sizeBytes: number): Uint8Array {
  const request = new Uint8Array(9 + sizeBytes).fill(0xff);
  request[0] = GRAPH_COMPUTE;
  new DataView(request.buffer).setBigUint64(1, BigInt(sizeBytes), true);
  return request;
}

/**
 * A connection that is never closed in the ordinary way while an answer may be due: the server would die of SIGPIPE when it
 * answers. A reset it survives.
 */
class Line implements Disposable {
  readonly #socket: Socket;
  readonly #over: Promise<"over">;
  readonly #closed: Promise<"closed">;
  #hasFailed = false;
  #receivedBytes = 0;
  #wake = () => {};

  constructor(endpoint: Endpoint, signal: AbortSignal) {
    this.#over = untilAborted(signal).then(() => "over");
    this.#socket = connect({ ...endpoint, family: 4, noDelay: true });
    this.#closed = new Promise((resolve) => {
      this.#socket.on("error", () => this.#hasFailed = true);
      this.#socket.on("end", () => resolve("closed")).on("close", () => resolve("closed"));
    });
    this.#socket.on("data", (chunk) => {
      this.#receivedBytes += chunk.byteLength;
      this.#wake();
    });
  }

  /** Asks for an answer of a known size. @returns Whether it came. */
  async exchange(request: Uint8Array, answerBytes: number): Promise<boolean> {
    const wantedBytes = this.#receivedBytes + answerBytes;
    this.#socket.write(request);
    while (this.#receivedBytes < wantedBytes) {
      const more = new Promise<"more">((resolve) => this.#wake = () => resolve("more"));
      if (await Promise.race([more, this.#closed, this.#over]) !== "more") return false;
    }
    return this.#receivedBytes === wantedBytes;
  }

  /** Sends what the server closes upon. @returns Whether all of it was taken, and then closed in order. */
  async sendUntilClosed(request: Uint8Array): Promise<boolean> {
    let isSent = false;
    this.#socket.write(request, (error) => isSent = !error);
    const outcome = await Promise.race([this.#closed, this.#over]);
    return outcome === "closed" && isSent && !this.#hasFailed;
  }

  [Symbol.dispose](): void {
    this.#socket.resetAndDestroy();
  }
}
