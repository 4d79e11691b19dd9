import type { ProtocolVersion } from "./protocol.ts";

/** Memory of one device. */
export interface DeviceMemory {
  /** Free at the moment of the answer, on GPUs. A CPU device says its total, whatever is in use. */
  readonly freeBytes: number;
  /** All that the device has; 0 for accelerators that have no memory of their own. */
  readonly totalBytes: number;
}

/** What was received is not the rpc protocol: no `ggml-rpc-server` sends this. */
export class RpcSyntaxError extends SyntaxError {
  /** Always `RpcSyntaxError`. */
  override readonly name = "RpcSyntaxError";
  /** Bytes of the stream before the frame at fault. */
  readonly offset: number;

  /** Adds the offset to the message. */
  constructor(message: string, offset: number) {
    super(`${message} (at byte ${offset})`);
    this.offset = offset;
  }
}

const SIZE_PREFIX_BYTES = 8;
/** HELLO is answered by 28 bytes since 4.0 and by 3 before; what may come later can still name its version. */
const MAX_HELLO_BYTES = 256;
/** More devices than this on one server is no count, but four bytes of something else. */
const MAX_DEVICE_COUNT = 64;
const HEAD_BYTES = 16;

/**
 * Decodes the answers to `encodeProbe()` from chunks cut anywhere: version, number of devices, then the memory
 * of each device (those after the first must be asked for, once the number is known).
 *
 * Needs constant memory: an announced size is checked before it is believed.
 *
 * @see `rpc_msg_hello_rsp`, `rpc_msg_device_count_rsp`, `rpc_msg_get_device_memory_rsp` in
 * ggml/src/ggml-rpc/ggml-rpc.cpp, protocol 8.0; each is prefixed by its size as u64, little-endian
 */
export class AnswerDecoder {
  readonly #frame = new Uint8Array(SIZE_PREFIX_BYTES + MAX_HELLO_BYTES);
  #filledBytes = 0;
  #decodedBytes = 0;
  #head: Uint8Array = new Uint8Array();
  #version: ProtocolVersion | undefined;
  #deviceCount: number | undefined;
  readonly #devices: DeviceMemory[] = [];

  /** What the HELLO said; undefined until it has arrived. */
  get version(): ProtocolVersion | undefined {
    return this.#version;
  }

  /** How many devices there are; undefined until the answer has arrived. */
  get deviceCount(): number | undefined {
    return this.#deviceCount;
  }

  /** Memory of the devices 0, 1, … as far as answered. */
  get devices(): readonly DeviceMemory[] {
    return this.#devices;
  }

  /** Whether nothing more is to come. Servers before 4.0 are asked for nothing but their version. */
  get isComplete(): boolean {
    return (this.#version?.major ?? 4) < 4 || this.#devices.length === this.#deviceCount;
  }

  /** Bytes taken in so far. */
  get receivedBytes(): number {
    return this.#decodedBytes + this.#filledBytes;
  }

  /** The first bytes received, 16 at most: enough to tell what a foreign server speaks. */
  get head(): Uint8Array {
    return this.#head;
  }

  /**
   * Takes the next bytes of the stream.
   *
   * @throws {RpcSyntaxError} If no `ggml-rpc-server` sends this. The decoder is of no use afterwards.
   */
  push(chunk: Uint8Array): void {
    if (this.#head.byteLength < HEAD_BYTES) this.#head = joinHead(this.#head, chunk);
    let takenBytes = 0;
    while (takenBytes < chunk.byteLength) {
      if (this.isComplete) throw this.#fault("more bytes follow after the last answer");
      takenBytes += this.#fill(chunk.subarray(takenBytes));
      if (this.#filledBytes === this.#frameBytes()) this.#decodeFrame();
    }
  }

  /** Copies what the current frame still lacks, or its prefix while that is incomplete. */
  #fill(bytes: Uint8Array): number {
    const part = bytes.subarray(0, (this.#frameBytes() ?? SIZE_PREFIX_BYTES) - this.#filledBytes);
    this.#frame.set(part, this.#filledBytes);
    this.#filledBytes += part.byteLength;
    return part.byteLength;
  }

  /** Bytes of the current frame with its prefix; undefined while the prefix is incomplete. */
  #frameBytes(): number | undefined {
    if (this.#filledBytes < SIZE_PREFIX_BYTES) return undefined;
    const sizeBytes = this.#view(0).getBigUint64(0, true);
    const { name, minBytes, maxBytes } = this.#expected();
    if (sizeBytes < minBytes || sizeBytes > maxBytes) {
      const want = minBytes === maxBytes ? `${minBytes}` : `${minBytes} to ${maxBytes}`;
      throw this.#fault(`the answer to ${name} announces ${sizeBytes} bytes instead of ${want}`);
    }
    return SIZE_PREFIX_BYTES + Number(sizeBytes);
  }

  #expected(): { name: string; minBytes: number; maxBytes: number } {
    if (!this.#version) return { name: "HELLO", minBytes: 3, maxBytes: MAX_HELLO_BYTES };
    if (this.#deviceCount === undefined) return { name: "DEVICE_COUNT", minBytes: 4, maxBytes: 4 };
    return { name: "GET_DEVICE_MEMORY", minBytes: 16, maxBytes: 16 };
  }

  #decodeFrame(): void {
    const payload = this.#view(SIZE_PREFIX_BYTES);
    if (!this.#version) this.#version = this.#decodeVersion(payload);
    else if (this.#deviceCount === undefined) this.#deviceCount = this.#decodeDeviceCount(payload);
    else this.#devices.push(this.#decodeDeviceMemory(payload));
    this.#decodedBytes += this.#filledBytes;
    this.#filledBytes = 0;
  }

  #decodeVersion(payload: DataView): ProtocolVersion {
    const major = payload.getUint8(0);
    if (major === 0) throw this.#fault("the answer to HELLO names major version 0, which never was");
    return { major, minor: payload.getUint8(1), patch: payload.getUint8(2) };
  }

  #decodeDeviceCount(payload: DataView): number {
    const count = payload.getUint32(0, true);
    if (count > MAX_DEVICE_COUNT) {
      throw this.#fault(`it claims ${count} devices; ${MAX_DEVICE_COUNT} are believed`);
    }
    return count;
  }

  #decodeDeviceMemory(payload: DataView): DeviceMemory {
    return { freeBytes: this.#decodeMemory(payload, 0), totalBytes: this.#decodeMemory(payload, 8) };
  }

  #decodeMemory(payload: DataView, offset: number): number {
    const bytes = payload.getBigUint64(offset, true);
    if (bytes > Number.MAX_SAFE_INTEGER) {
      throw this.#fault(`it claims a device with ${bytes} bytes of memory`);
    }
    return Number(bytes);
  }

  #view(offset: number): DataView {
    return new DataView(this.#frame.buffer, offset, this.#filledBytes - offset);
  }

  #fault(message: string): RpcSyntaxError {
    return new RpcSyntaxError(message, this.#decodedBytes);
  }
}

function joinHead(head: Uint8Array, chunk: Uint8Array): Uint8Array {
  return Uint8Array.from([...head, ...chunk.subarray(0, HEAD_BYTES - head.byteLength)]);
}
