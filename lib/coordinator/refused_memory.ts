import type { Clock } from "../clock.ts";
import type { RefusedBuffer } from "../llama_server/failure_line.ts";
import type { Placement } from "../planner/placement.ts";
import type { BackendDevice, BackendView } from "../rpc/backend.ts";
import { formatBytes, formatDuration } from "../units.ts";

/** A buffer that an rpc backend could not allocate, as llama.cpp told of it. */
export interface Refusal extends RefusedBuffer {
  /** `host:port`. */
  readonly endpoint: string;
}

/** What is believed of a device since it refused. */
interface Ceiling {
  readonly endpoint: string;
  readonly deviceIndex: number;
  readonly refusedBytes: number;
  readonly bytes: number;
  readonly untilMs: number;
}

/**
 * Remembers which devices had less memory than they said: a CPU device reports all RAM of its host as free, whatever
 * limits it runs under. One that refused a buffer counts for a while as what the plan had put there beside that
 * buffer, so that each failure makes it smaller, and the next plan goes elsewhere or is refused with numbers.
 */
export class RefusedMemory {
  readonly #clock: Clock;
  readonly #ceilings = new Map<string, Ceiling>();

  /** `trustMs`: for how long a refusal is believed; memory that others held then may be free again. */
  constructor(private readonly options: { readonly clock: Clock; readonly trustMs: number }) {
    this.#clock = options.clock;
  }

  /** Takes note of a refusal. One by a device that is not in the plan is ignored. */
  note(
    { endpoint, deviceName, bytes: refusedBytes }: Refusal,
    { devices }: Pick<Placement, "devices">,
  ): void {
    const device = devices.find(({ name }) => name === deviceName);
    if (device?.endpoint !== endpoint) return;
    const { deviceIndex, needBytes } = device;
    const bytes = Math.max(needBytes - refusedBytes, 0);
    const untilMs = this.#clock.monotonic() + this.options.trustMs;
    this.#ceilings.set(keyOf(endpoint, deviceIndex), { endpoint, deviceIndex, refusedBytes, bytes, untilMs });
  }

  /** Believes a backend again: its operator has just spoken of it. */
  forget(endpoint: string): void {
    for (const [key, ceiling] of this.#ceilings) {
      if (ceiling.endpoint === endpoint) this.#ceilings.delete(key);
    }
  }

  /** The same backends, none with more free memory than it was seen to have; the reason says so. */
  cap(views: readonly BackendView[]): BackendView[] {
    this.#forgetOld();
    if (this.#ceilings.size === 0) return [...views];
    return views.map((view) => {
      const notes = this.#notesOn(view.endpoint);
      if (notes.length === 0) return view;
      const devices = view.devices.map((device) => this.#capDevice(view.endpoint, device));
      return { ...view, devices, reason: [view.reason, ...notes].join(". ") };
    });
  }

  /** Says which backends are believed to have less than they say, to follow a sentence; empty if there are none. */
  describe(views: readonly BackendView[]): string {
    this.#forgetOld();
    return views.flatMap(({ endpoint }) => this.#notesOn(endpoint)).map((note) => `. ${note}`).join("");
  }

  #capDevice(endpoint: string, device: BackendDevice): BackendDevice {
    const ceiling = this.#ceilings.get(keyOf(endpoint, device.index));
    return ceiling ? { ...device, freeBytes: Math.min(device.freeBytes, ceiling.bytes) } : device;
  }

  #notesOn(endpoint: string): string[] {
    return [...this.#ceilings.values()].filter((ceiling) => ceiling.endpoint === endpoint).map((ceiling) =>
      `${endpoint} had no room for ${
        formatBytes(ceiling.refusedBytes)
      }, whatever it says is free, and counts as ` +
      `${formatBytes(ceiling.bytes)} for ${
        formatDuration(ceiling.untilMs - this.#clock.monotonic())
      }; say how ` +
      `much of it may be used: sollol register ${endpoint} --memory SIZE, or memory in rpc_backends`
    );
  }

  #forgetOld(): void {
    const nowMs = this.#clock.monotonic();
    for (const [key, { untilMs }] of this.#ceilings) if (untilMs <= nowMs) this.#ceilings.delete(key);
  }
}

function keyOf(endpoint: string, deviceIndex: number): string {
  return `${endpoint}/${deviceIndex}`;
}
