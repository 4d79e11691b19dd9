import { joinBytes } from "../join_bytes.ts";

/** Version of the rpc protocol that a `ggml-rpc-server` speaks; it names itself in its HELLO. */
export interface ProtocolVersion {
  /** Raised when messages change so that older builds cannot take part. */
  readonly major: number;
  /** Raised when requests are added. */
  readonly minor: number;
  /** Raised when tensor operations are renumbered. */
  readonly patch: number;
}

/**
 * Ids of the requests that a probe may send. All else in the protocol changes the backend's state.
 * The id of HELLO is fixed for all versions.
 *
 * @see `enum rpc_cmd` in ggml/src/ggml-rpc/ggml-rpc.cpp, protocol 8.0
 */
export const RPC_COMMAND = { getDeviceMemory: 11, hello: 14, deviceCount: 15 } as const;

/** Bytes of connection capabilities in a HELLO. All zero asks for plain TCP; anything else may switch to RDMA. */
const CAPABILITY_BYTES = 24;

/**
 * HELLO, DEVICE_COUNT and GET_DEVICE_MEMORY(0) in one piece: one round trip instead of three. Version 4 and
 * later answer all of it; older ones close without a byte, because of the size of the HELLO.
 */
export function encodeProbe(): Uint8Array<ArrayBuffer> {
  return joinBytes([encodeHello(), encodeRequest(RPC_COMMAND.deviceCount), encodeDeviceMemoryRequest(0)]);
}

/** The first request on each connection: 24 bytes of zero capabilities. */
export function encodeHello(): Uint8Array<ArrayBuffer> {
  return encodeRequest(RPC_COMMAND.hello, new Uint8Array(CAPABILITY_BYTES));
}

/** The HELLO of protocol 1 to 3, which had no payload. Servers since 4.0 close on it. */
export function encodeLegacyHello(): Uint8Array<ArrayBuffer> {
  return encodeRequest(RPC_COMMAND.hello);
}

/** Asks how much memory a device has. The server closes when there is no such device. */
export function encodeDeviceMemoryRequest(device: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, device, true);
  return encodeRequest(RPC_COMMAND.getDeviceMemory, payload);
}

/** `u8 command | u64 size | payload`, little-endian: the server writes in its host's order, in practice that. */
function encodeRequest(command: number, payload: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
  const request = new Uint8Array(9 + payload.byteLength);
  const view = new DataView(request.buffer);
  view.setUint8(0, command);
  view.setBigUint64(1, BigInt(payload.byteLength), true);
  request.set(payload, 9);
  return request;
}

/** Writes a version as llama.cpp prints it: `8.0.0`. */
export function formatVersion({ major, minor, patch }: ProtocolVersion): string {
  return `${major}.${minor}.${patch}`;
}

/**
 * Reads `8.0.0` or `v8.0.0`, as the server's banner says it.
 *
 * @throws {RangeError} If it is not three numbers from 0 to 255.
 */
export function parseVersion(text: string): ProtocolVersion {
  const match = /^v?(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text.trim());
  const [major = 256, minor = 256, patch = 256] = match?.slice(1).map(Number) ?? [];
  if (Math.max(major, minor, patch) > 255) {
    throw new RangeError(`"${text}" is no version of the rpc protocol; write for example "8.0.0"`);
  }
  return { major, minor, patch };
}

/** Whether two builds speak exactly the same protocol, down to the numbers of their tensor operations. */
export function isSameVersion(a: ProtocolVersion, b: ProtocolVersion): boolean {
  return a.major === b.major && a.minor === b.minor && a.patch === b.patch;
}

/**
 * Whether llama.cpp's client would work with that server. It is laxer than it is safe: the patch level is
 * raised when operations are renumbered, so a client that accepts another one may compute garbage. Only
 * {@linkcode isSameVersion} is safe.
 *
 * @see `negotiate_hello` in ggml/src/ggml-rpc/ggml-rpc.cpp, protocol 8.0
 */
export function isAcceptedByClient(client: ProtocolVersion, server: ProtocolVersion): boolean {
  return server.major === client.major && server.minor <= client.minor;
}
