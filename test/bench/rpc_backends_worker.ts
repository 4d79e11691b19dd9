/// <reference lib="deno.worker" />
import { FakeRpcBackend } from "../fakes/fake_rpc_backend.ts";

/** Fakes on a thread of their own, so that their work is not counted as the registry's. Tells their ports. */
self.onmessage = ({ data: count }: MessageEvent<number>) => {
  const backends = Array.from({ length: count }, () => new FakeRpcBackend());
  self.postMessage(backends.map(({ endpoint }) => endpoint.port));
};
