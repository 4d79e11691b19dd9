/**
 * How an rpc backend is: nobody has asked yet (`unknown`); it can be used (`up`); it serves a client, one of our
 * coordinators or a stranger (`held`); it is not reachable or broken (`down`); it runs another llama.cpp than our
 * coordinator (`mismatch`).
 */
export type BackendHealth = "unknown" | "up" | "held" | "down" | "mismatch";

/** Who told us of an rpc backend. One that several told of stays until the last of them takes it back. */
export type BackendSource = "config" | "admin" | "worker" | "redis";

/** What the operator allows. */
export interface BackendLimits {
  /** Most bytes that may be planned onto all its devices together; `undefined` for all that is free. */
  readonly memoryLimitBytes: number | undefined;
  /** Whether no model may be planned onto it. */
  readonly isExcluded: boolean;
  /** How fast weights reach it; `undefined` until it was measured or said. */
  readonly bytesPerSecond: number | undefined;
}

/** A device of an rpc backend, with the memory that can be planned with. */
export interface BackendDevice {
  /** Index within the backend, from 0. */
  readonly index: number;
  /** As ggml names it: `CUDA0`, `CPU`. Only a worker tells. */
  readonly name: string | undefined;
  /** Such as `NVIDIA GeForce RTX 3090`. Only a worker tells. */
  readonly description: string | undefined;
  /** A CPU device reports its total memory as free, always; that is also how one is known without a worker. */
  readonly kind: "gpu" | "cpu";
  /** The least that the backend itself, its worker or this host's kernel says is free. */
  readonly freeBytes: number;
  /** All that it has. */
  readonly totalBytes: number;
  /** Devices with the same key draw from the same memory, such as the RAM of their host: it counts once. */
  readonly memoryKey: string;
  /** Degrees Celsius. Only a worker tells. */
  readonly temperatureC: number | undefined;
  /** Share of its time that it computes, 0 to 1. Only a worker tells. */
  readonly utilisation: number | undefined;
}

/** A snapshot of an rpc backend: for planning, for reports, for people. Advisory: a lease decides. */
export interface BackendView {
  /** `host:port` as `--rpc` takes it. */
  readonly endpoint: string;
  /** Other spellings that lead to the same server. */
  readonly aliases: readonly string[];
  /** Who told of it. */
  readonly sources: readonly BackendSource[];
  /** How it is. */
  readonly health: BackendHealth;
  /** One sentence for a person: why it is so, and what to do if it is not up. */
  readonly reason: string;
  /** Since when that is known, ms ago; `undefined` while it is not. */
  readonly ageMs: number | undefined;
  /** Its rpc protocol, such as `8.0.0`, once it said so. */
  readonly protocol: string | undefined;
  /** Its llama.cpp build, such as `b11669`. Only a worker tells. */
  readonly build: string | undefined;
  /** Empty until it answered once; what it said last while it is held or down. */
  readonly devices: readonly BackendDevice[];
  /** Which of our coordinators has it; `undefined` for none. */
  readonly holder: string | undefined;
  /** Name of the worker that runs it. */
  readonly workerName: string | undefined;
  /** Whether its worker is about to stop: it serves on, but nothing new is planned onto it. */
  readonly isDraining: boolean;
  /** What the operator allows. */
  readonly limits: BackendLimits;
}

/** No limits at all. */
export const UNLIMITED: BackendLimits = {
  memoryLimitBytes: undefined,
  isExcluded: false,
  bytesPerSecond: undefined,
};
